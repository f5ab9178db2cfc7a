#!/bin/sh
# DAGSTER_HOME is empty in a new container.
cp -n /opt/papers/several/dagster.yaml "$DAGSTER_HOME/"
exec "$@"
