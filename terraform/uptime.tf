resource "google_monitoring_uptime_check_config" "api" {
  display_name = "${local.name}-api"
  timeout      = "10s"
  period       = "300s"

  http_check {
    path         = "/health" # never /healthz, which Google's front end answers by itself: 404
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }
  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project_id, host = trimprefix(local.api_url, "https://") }
  }
  depends_on = [terraform_data.preflight]
}

resource "google_monitoring_uptime_check_config" "ingest" {
  display_name = "${local.name}-ingest"
  timeout      = "10s"
  period       = "300s"

  tcp_check {
    port = 1935
  }
  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project_id, host = google_compute_address.ingest.address }
  }
  depends_on = [terraform_data.preflight]
}
