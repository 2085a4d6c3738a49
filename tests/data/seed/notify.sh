#!/bin/bash                                                         
                                                                    
STATE=$1                                                            
NOW=$(date +"%D %T")                                                
KEEPALIVED="/tmp"                                                   
                                                                    
case $STATE in                                                      
        "MASTER") touch $KEEPALIVED/MASTER                          
                  echo "$NOW Becoming MASTER" >> $KEEPALIVED/COUNTER
                  /usr/libexec/keepalived/master.sh                 
                  exit 0                                            
                  ;;                                                
        "BACKUP") rm $KEEPALIVED/MASTER                             
                  echo "$NOW Becoming BACKUP" >> $KEEPALIVED/COUNTER
                  /usr/libexec/keepalived/backup.sh                 
                  exit 0                                            
                  ;;                                                
        "FAULT")  rm $KEEPALIVED/MASTER                             
                  echo "$NOW Becoming FAULT" >> $KEEPALIVED/COUNTER 
                  /usr/libexec/keepalived/backup.sh                  
                  exit 0                                            
                  ;;                                                
        *)        echo "unknown state"                              
                  echo "$NOW Becoming UNKOWN" >> $KEEPALIVED/COUNTER
                  exit 1                                            
                  ;;                                                
esac                                                                  
