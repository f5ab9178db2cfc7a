#!/bin/sh
# The image configures Dagster, also in a home that an earlier image has left.
cp /opt/papers/several/dagster.yaml "$DAGSTER_HOME/"
exec "$@"
