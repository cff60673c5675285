#!/bin/sh
# Starts the broker of the compose file: whoever comes by INSIDE or OUTSIDE shows the user crm and the password in the file.
set -eu
password=$(cat "${PASSWORDS:-/passwords}/kafka")
login="org.apache.kafka.common.security.plain.PlainLoginModule required username=\"crm\" password=\"$password\""
export KAFKA_LISTENER_NAME_INSIDE_PLAIN_SASL_JAAS_CONFIG="$login user_crm=\"$password\";"
export KAFKA_LISTENER_NAME_OUTSIDE_PLAIN_SASL_JAAS_CONFIG="$login user_crm=\"$password\";"
# For the health check, and for whoever asks the broker from within.
umask 077
cat >/tmp/client.properties <<EOF
security.protocol=SASL_PLAINTEXT
sasl.mechanism=PLAIN
sasl.jaas.config=$login;
EOF
exec "$@"
