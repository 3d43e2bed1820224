resource "google_compute_network" "network" {
  name                    = local.name
  auto_create_subnetworks = false
  depends_on              = [terraform_data.preflight]
}

resource "google_compute_subnetwork" "machines" {
  name                     = "${local.name}-machines"
  network                  = google_compute_network.network.id
  region                   = var.region
  ip_cidr_range            = "10.10.0.0/28"
  private_ip_google_access = true

  log_config {
    aggregation_interval = "INTERVAL_15_MIN"
    flow_sampling        = 0.1
    metadata             = "EXCLUDE_ALL_METADATA"
  }
}

# Publishers, nodes, viewers and the prober come from anywhere.
resource "google_compute_firewall" "rtmp" {
  name          = "${local.name}-rtmp"
  network       = google_compute_network.network.id
  description   = "RTMP from anywhere to the ingest"
  source_ranges = ["0.0.0.0/0"]
  target_tags   = [local.name]

  allow {
    protocol = "tcp"
    ports    = ["1935"]
  }
}

# The collector polls control nodes like everybody's, from an address of Google's that is not known beforehand; the prober
# plays the good one. Their ports are others than the ingest's, since both may be on one machine.
resource "google_compute_firewall" "controls" {
  count = var.control_nodes ? 1 : 0

  name          = "${local.name}-controls"
  network       = google_compute_network.network.id
  description   = "RTMP and statistics of the control nodes, public like every node's"
  source_ranges = ["0.0.0.0/0"]
  target_tags   = ["${local.name}-control"]

  allow {
    protocol = "tcp"
    ports    = local.control_ports
  }
}

# Nothing but the health check asks the ingest for its state, so nothing else may. No SSH from anywhere: see docs/ops.md.
resource "google_compute_firewall" "health" {
  name          = "${local.name}-health"
  network       = google_compute_network.network.id
  description   = "Google's health checks to the agent of the ingest"
  source_ranges = ["35.191.0.0/16", "130.211.0.0/22"]
  target_tags   = [local.name]

  allow {
    protocol = "tcp"
    ports    = ["8080"]
  }
}

resource "google_compute_address" "ingest" {
  name       = "${local.name}-ingest"
  region     = var.region
  depends_on = [terraform_data.preflight]
}
