resource "aws_security_group" "balancer" {
  name        = "exasol-balancer"
  description = "The two nodes of the balancer"
  vpc_id      = local.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  for_each = toset(var.client_cidrs)

  security_group_id = aws_security_group.balancer.id
  description       = "Clients of the database"
  ip_protocol       = "tcp"
  from_port         = 8563
  to_port           = 8563
  cidr_ipv4         = each.value
}

resource "aws_vpc_security_group_ingress_rule" "statistics" {
  for_each = toset(var.admin_cidrs)

  security_group_id = aws_security_group.balancer.id
  description       = "The statistics page"
  ip_protocol       = "tcp"
  from_port         = 9090
  to_port           = 9090
  cidr_ipv4         = each.value
}

resource "aws_vpc_security_group_ingress_rule" "ssh" {
  for_each = toset(var.admin_cidrs)

  security_group_id = aws_security_group.balancer.id
  description       = "SSH"
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
  cidr_ipv4         = each.value
}

# VRRP is IP protocol 112: neither TCP nor UDP, and without ports.
resource "aws_vpc_security_group_ingress_rule" "vrrp" {
  security_group_id            = aws_security_group.balancer.id
  description                  = "VRRP from the other node"
  ip_protocol                  = "112"
  referenced_security_group_id = aws_security_group.balancer.id
}

resource "aws_vpc_security_group_egress_rule" "all" {
  security_group_id = aws_security_group.balancer.id
  description       = "Databases, the other node, the EC2 API, packages"
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}
