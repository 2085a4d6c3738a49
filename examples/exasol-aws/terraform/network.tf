# A network of its own. If the databases have one already, delete this file but for `locals`, and name
# that network and its subnet there.

locals {
  vpc_id = aws_vpc.main.id
  # Once there is a way out of it.
  subnet_id = aws_route_table_association.main.subnet_id
}

data "aws_availability_zones" "available" {
  state = "available"
}

resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
  # The endpoint's name leads to its private address.
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = "exasol" }
}

resource "aws_subnet" "main" {
  vpc_id            = aws_vpc.main.id
  cidr_block        = "10.0.1.0/24"
  availability_zone = data.aws_availability_zones.available.names[0]

  tags = { Name = "exasol" }
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id

  tags = { Name = "exasol" }
}

resource "aws_route_table" "main" {
  vpc_id = aws_vpc.main.id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.main.id
  }

  tags = { Name = "exasol" }
}

resource "aws_route_table_association" "main" {
  subnet_id      = aws_subnet.main.id
  route_table_id = aws_route_table.main.id
}
