# What the network is, whatever is set. `terraform test` needs no cloud and no credentials.
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

variables {
  project_id = "my-network-4711"
}

run "defaults" {
  command = plan

  assert {
    condition     = output.ingest_url == "rtmp://203.0.113.5:1935/live"
    error_message = "Publishers and nodes are sent to the ingest's own address."
  }
  assert {
    condition     = output.api_url == "https://restream-api-471100000001.europe-west1.run.app"
    error_message = "The api's address follows from the project's number, before there is an api."
  }
  assert {
    condition     = join(" ", [for name in keys(google_project_iam_member.databases) : name if endswith(name, "/money")]) == "api/money payout/money"
    error_message = "Only the api and the payout reach the money: the prober parses what strangers send."
  }
  assert {
    condition     = join(" ", sort([for job in values(google_cloud_scheduler_job.jobs) : job.name])) == "restream-collector-0 restream-payout restream-prober-even-0 restream-prober-odd-0"
    error_message = "Each function that is called has its jobs, and the prober two that take turns."
  }
  assert {
    condition     = join(" ", keys(google_compute_instance_group_manager.machines)) == "ingest"
    error_message = "A small network has one machine."
  }
  assert {
    condition     = alltrue([for name, service in google_cloud_run_v2_service.functions : (service.ingress == "INGRESS_TRAFFIC_ALL") == (name == "api")])
    error_message = "The api alone is open to the internet."
  }
}

run "large" {
  command = plan

  variables {
    size              = "large"
    expected          = { nodes = 1500, mbits = 4 }
    shards            = 2
    prober_partitions = 2
    region            = "us-central1"
    money_database    = "money-restored"
  }

  assert {
    condition     = join(" ", keys(google_compute_instance_group_manager.machines)) == "control ingest"
    error_message = "In a large network the control nodes have a machine of their own."
  }
  assert {
    condition     = length(google_cloud_scheduler_job.jobs) == 7
    error_message = "Two shards and two parts of the prober have two jobs and four, and the payout one."
  }
  assert {
    condition     = alltrue([for job in values(google_cloud_scheduler_job.jobs) : job.region == "us-central1"])
    error_message = "Jobs follow the region, unless they have one of their own."
  }
  assert {
    condition     = contains([for grant in values(google_project_iam_member.databases) : grant.condition[0].expression], "resource.name == \"projects/my-network-4711/databases/money-restored\"")
    error_message = "A restored database is reached in the place of the one that was lost."
  }
}
