# Ten nodes or so: the ingest and the control nodes share one small machine.
project_id   = "my-network-4711"
region       = "europe-west1"
alert_emails = ["ops@example.org"]
expected     = { nodes = 10, mbits = 4 }

budget = {
  billing_account = "012345-6789AB-CDEF01"
  amount          = 100
}
