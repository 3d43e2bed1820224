# As many nodes as one machine can send to. Databases survive the loss of a region, and an instance of the api is always warm.
project_id         = "my-network-4711"
region             = "europe-west1"
firestore_location = "eur3"
size               = "large"
expected           = { nodes = 1500, mbits = 4 }
api_instances      = { min = 1, max = 20 }
alert_emails       = ["ops@example.org", "on-call@example.org"]

budget = {
  billing_account = "012345-6789AB-CDEF01"
  amount          = 20000
}
