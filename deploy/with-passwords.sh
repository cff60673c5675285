#!/bin/sh
# Runs a command with the passwords of Redis and Kafka that the service `keys` of the compose file has made.
#
#   docker compose exec worker /with-passwords.sh crm-online segments
#
# They are read from files, and never stand in the compose file, in `docker inspect`, or on a command line.
set -eu
passwords=${PASSWORDS:-/etc/crm-online/passwords}
CRM_ONLINE_STATE="redis://crm:$(cat "$passwords/redis")@${CRM_ONLINE_STATE#redis://}"
CRM_ONLINE_KAFKA__PASSWORD=$(cat "$passwords/kafka")
export CRM_ONLINE_STATE CRM_ONLINE_KAFKA__PASSWORD CRM_ONLINE_KAFKA__SASL=plain CRM_ONLINE_KAFKA__USER=crm
exec "$@"
