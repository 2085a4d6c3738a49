# The address that clients use. Pontoon associates it: nothing here does, and nothing here minds where it is.

resource "aws_eip" "clients" {
  domain = "vpc"

  tags = { Name = "exasol" }

  lifecycle {
    ignore_changes = [instance, network_interface, associate_with_private_ip]
    # Clients, firewalls and DNS know it.
    prevent_destroy = true
  }
}
