# Tallywire with a catalogue in it, for Kubernetes: a new catalogue is a new image, rolled out and rolled back as one.
#   docker build --file deploy/catalogue.Dockerfile --build-context catalogue=my-catalog \
#     --tag registry.example/tallywire-with-catalogue:1 .
FROM tallywire:0.1.0
COPY --from=catalogue . /etc/tallywire/catalog
