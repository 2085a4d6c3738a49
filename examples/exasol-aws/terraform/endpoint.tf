# The way to the EC2 API. A node that the Elastic IP has just left has no public address for some
# minutes: it could not call the API to take it back, if that call had to go through the internet.

resource "aws_vpc_endpoint" "ec2" {
  vpc_id              = local.vpc_id
  service_name        = "com.amazonaws.${var.region}.ec2"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = [local.subnet_id]
  security_group_ids  = [aws_security_group.endpoint.id]
  private_dns_enabled = true

  tags = { Name = "exasol-balancer-ec2" }
}

resource "aws_security_group" "endpoint" {
  name        = "exasol-balancer-endpoint"
  description = "The EC2 API, for the balancers"
  vpc_id      = local.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "endpoint" {
  security_group_id            = aws_security_group.endpoint.id
  description                  = "HTTPS from the balancers"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.balancer.id
}
