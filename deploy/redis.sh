#!/bin/sh
# Starts a Redis whose AOF a crash may have cut off, or a copy made while it ran.
#
#   deploy/redis.sh FOLDER [option of redis-server …]
#
# Redis repairs a cut AOF by itself, but leaves the whole commands of a torn transaction in it, and does them at a later
# start with whatever was written behind them (redis-check-aof cuts the whole transaction off).
set -eu
folder=$1
shift
for aof in "$folder"/appendonlydir/*.manifest "$folder"/appendonly.aof; do
    if [ -f "$aof" ]; then
        yes | redis-check-aof --fix "$aof"
    fi
done
exec "${REDIS_SERVER:-redis-server}" --dir "$folder" "$@"
