#!/bin/bash                                                                                                            
                                                                                                                       
exec >> /tmp/master.log                                                                                                
exec 2>&1                                                                                                              
#set -x                                                                                                                 
                                                                                                                       
AWS_ACCESS_KEY=Key                                                                            
AWS_SECRET_KEY=Secret                                                         
export EC2_URL=https://ec2.eu-west-1.amazonaws.com                                                                     
export EC2_HOME="/opt/aws/apitools/ec2"                                                                                
export JAVA_HOME=/usr/lib/jvm/jre                                                                                      
export AWS_CLOUDWATCH_HOME=/opt/aws/apitools/mon                                                                       
export AWS_PATH=/opt/aws                                                                                               
export AWS_AUTO_SCALING_HOME=/opt/aws/apitools/as                                                                      
export AWS_ELB_HOME=/opt/aws/apitools/elb                                                                              
                                                                                                                       
EIP=34.249.49.35 # Elastic IP to be associated                                                                         
                                                                                                                       
INSTANCE_ID=$(curl -s http://169.254.169.254/latest/meta-data/instance-id)                                             
PRIVATE_IP=$(curl -s http://169.254.169.254/latest/meta-data/local-ipv4)                                                                                                                                                                 
/opt/aws/bin/ec2-associate-address -O $AWS_ACCESS_KEY -W $AWS_SECRET_KEY -U $EC2_URL $EIP -instance $INSTANCE_ID -p $PRIVATE_IP --allow-reassociation
echo "$(date) I'm master now"
