# Nothing is built: each image is one that exists, as a release names it or as it ran before. No gcloud is needed.
project_id = "my-network-4711"
preflight  = false

images = {
  api       = "europe-docker.pkg.dev/shared/restream/api@sha256:1111111111111111111111111111111111111111111111111111111111111111"
  collector = "europe-docker.pkg.dev/shared/restream/collector@sha256:2222222222222222222222222222222222222222222222222222222222222222"
  payout    = "europe-docker.pkg.dev/shared/restream/payout@sha256:3333333333333333333333333333333333333333333333333333333333333333"
  prober    = "europe-docker.pkg.dev/shared/restream/prober@sha256:4444444444444444444444444444444444444444444444444444444444444444"
  node      = "ghcr.io/example/restream-node@sha256:5555555555555555555555555555555555555555555555555555555555555555"
}
