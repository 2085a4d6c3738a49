#!/bin/bash                                                                                                    
                                                                                                               
exec >> /tmp/backup.log                                                                                        
exec 2>&1                                                                                                      
#set -x                                                                                                         

echo "$(date) I'm backup nothing to do" 
