variable "region" {
  description = "Where everything is."
  type        = string
  default     = "eu-west-1"
}

variable "client_cidrs" {
  description = "Who may connect to the database through the pair."
  type        = list(string)
}

variable "admin_cidrs" {
  description = "Who may use SSH and see the statistics."
  type        = list(string)
}

variable "key_name" {
  description = "The key pair for SSH."
  type        = string
}

variable "instance_type" {
  description = "What the two nodes are. Its network interface must be the one that keepalived.conf names."
  type        = string
  default     = "t3.small"
}

variable "pontoon_url" {
  description = "Where the nodes fetch the program: an https:// URL of the binary for x86-64."
  type        = string

  validation {
    condition     = startswith(var.pontoon_url, "https://")
    error_message = "Programs are fetched by https:// only."
  }
}

variable "pontoon_sha256" {
  description = "What the program's SHA-256 must be, in hexadecimal digits."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.pontoon_sha256))
    error_message = "64 hexadecimal digits, as sha256sum shows them."
  }
}

variable "statistics_password" {
  description = "The password of `admin` on the statistics page."
  type        = string
  sensitive   = true

  validation {
    condition     = can(regex("^[0-9A-Za-z_.-]{12,}$", var.statistics_password))
    error_message = "At least 12 letters, digits, dots, hyphens and underscores."
  }
}
