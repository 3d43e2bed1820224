# What Google would answer, as far as a plan reads it. Everything else is made up by Terraform.
mock_resource "google_storage_bucket" {
  defaults = {
    project_number = 471100000001
  }
}

mock_resource "google_compute_address" {
  defaults = {
    address = "203.0.113.5"
  }
}
