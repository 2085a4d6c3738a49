locals {
  # As in both keepalived.conf.
  addresses = {
    "1" = "10.0.1.207"
    "2" = "10.0.1.190"
  }

  haproxy = replace(file("${path.module}/../haproxy.cfg"), "change-me", var.statistics_password)

  # The files stand there with the address of the how-to.
  keepalived = {
    for number, address in local.addresses :
    number => replace(
      file("${path.module}/../node-${number}/keepalived.conf"),
      "34.249.49.35",
      aws_eip.clients.public_ip,
    )
  }
}

data "aws_ami" "debian" {
  most_recent = true
  # Debian's own account.
  owners = ["136693071363"]

  filter {
    name   = "name"
    values = ["debian-12-amd64-*"]
  }

  filter {
    name   = "architecture"
    values = ["x86_64"]
  }
}

# Not on the same machine: what takes one node with it leaves the other alone.
resource "aws_placement_group" "balancer" {
  name     = "exasol-balancer"
  strategy = "spread"
}

resource "aws_instance" "balancer" {
  for_each = local.addresses

  ami                    = data.aws_ami.debian.id
  instance_type          = var.instance_type
  key_name               = var.key_name
  subnet_id              = local.subnet_id
  private_ip             = each.value
  vpc_security_group_ids = [aws_security_group.balancer.id]
  iam_instance_profile   = aws_iam_instance_profile.balancer.name
  placement_group        = aws_placement_group.balancer.name

  # For the first start: packages and the program come from the internet.
  associate_public_ip_address = true

  user_data = templatefile("${path.module}/../cloud-init.yaml", {
    haproxy    = base64encode(local.haproxy)
    keepalived = base64encode(local.keepalived[each.key])
    unit       = base64encode(file("${path.module}/../pontoon.service"))
    url        = var.pontoon_url
    sha256     = var.pontoon_sha256
  })

  metadata_options {
    http_endpoint = "enabled"
    # Version 2 only.
    http_tokens = "required"
    # From the node itself, not from a container on it.
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = 8
    encrypted   = true
  }

  tags = { Name = "exasol-balancer-${each.key}" }

  lifecycle {
    # A newer image, program or file is taken by replacing the nodes one after the other, as the runbook says:
    # Terraform would do both at once. Whether a node has a public address of its own changes whenever the
    # Elastic IP moves.
    ignore_changes = [ami, user_data, associate_public_ip_address]
  }

  depends_on = [aws_vpc_endpoint.ec2]
}
