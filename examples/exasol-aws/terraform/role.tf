# What the nodes may do at AWS: see where the address is, and bring it to one of the two. Nothing else.

data "aws_caller_identity" "current" {}

resource "aws_iam_role" "balancer" {
  name_prefix = "exasol-balancer-"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "floating_ip" {
  name_prefix = "floating-ip-"
  role        = aws_iam_role.balancer.id

  policy = templatefile("${path.module}/../iam-policy.json", {
    region      = var.region
    account     = data.aws_caller_identity.current.account_id
    allocation  = aws_eip.clients.id
    instance_1  = aws_instance.balancer["1"].id
    instance_2  = aws_instance.balancer["2"].id
    interface_1 = aws_instance.balancer["1"].primary_network_interface_id
    interface_2 = aws_instance.balancer["2"].primary_network_interface_id
  })
}

resource "aws_iam_instance_profile" "balancer" {
  name_prefix = "exasol-balancer-"
  role        = aws_iam_role.balancer.name
}
