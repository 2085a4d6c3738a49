output "address" {
  description = "What clients connect to, on port 8563."
  value       = aws_eip.clients.public_ip
}

output "allocation_id" {
  description = "The number of that address."
  value       = aws_eip.clients.id
}

output "instances" {
  description = "The two nodes."
  value       = { for number, node in aws_instance.balancer : number => node.id }
}

output "security_group_id" {
  description = "The databases must allow TCP 8563 from here."
  value       = aws_security_group.balancer.id
}
