# What is refused before anything is asked of Google, each with a sentence that says what to write.
mock_provider "google" {
  override_during = plan
  source          = "./tests/mocks"
}
mock_provider "random" {
  override_during = plan
}
mock_provider "time" {
  override_during = plan
}

run "nonsense" {
  command = plan

  variables {
    project_id         = "My Network"
    region             = "europe-west1-b"
    firestore_location = "moon"
    money_database     = "Money 2"
    images             = { node = "ghcr.io/x/node:1" }
    relay_engine       = "srs"
    shards             = 1.5
    prober_cpus        = 3
    prober_partitions  = 0
    checks_per_hour    = 61
    holding_epochs     = 169
    api_instances      = { min = 5, max = 2 }
    paused             = ["api"]
    size               = "medium"
    ingest_machine     = "t2a-standard-2"
    alert_emails       = ["ops"]
    budget             = { amount = 5 }
  }

  expect_failures = [
    var.project_id,
    var.region,
    var.firestore_location,
    var.money_database,
    var.images,
    var.relay_engine,
    var.shards,
    var.prober_cpus,
    var.prober_partitions,
    var.checks_per_hour,
    var.holding_epochs,
    var.api_instances,
    var.paused,
    var.size,
    var.ingest_machine,
    var.alert_emails,
    var.budget,
  ]
}

run "more_than_a_small_network_carries" {
  command = plan

  variables {
    project_id = "my-network-4711"
    expected   = { nodes = 51, mbits = 4 }
  }

  expect_failures = [var.size]
}

run "more_than_any_machine_sends_and_jobs_in_no_place" {
  command = plan

  variables {
    project_id       = "my-network-4711"
    size             = "large"
    expected         = { nodes = 1751, mbits = 4 }
    scheduler_region = "moon"
  }

  expect_failures = [
    var.expected,
    var.scheduler_region,
  ]
}
