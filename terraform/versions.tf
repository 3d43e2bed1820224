terraform {
  required_version = ">= 1.11"

  required_providers {
    google  = { source = "hashicorp/google", version = "~> 8.7" }
    archive = { source = "hashicorp/archive", version = "~> 2.8" }
    random  = { source = "hashicorp/random", version = "~> 3.9" }
    time    = { source = "hashicorp/time", version = "~> 0.14" }
  }
}

provider "google" {
  project = var.project_id
  region  = var.region

  # A budget belongs to the billing account: its quota is counted in this project all the same.
  user_project_override = true
  billing_project       = var.project_id

  default_labels = { network = local.name }
}
