-- Takes a partition over: writes a new owner's token, and reads what the owner must know, in one go.
--
-- KEYS: meta, positions, probe. ARGV: token.
-- First every command that a commit may use is tried out on the probe: a user who may not use one of them must
-- learn it here, not half-way through a commit. SET comes first because a full Redis refuses it.
local probe = KEYS[3]
redis.call('SET', probe, '1')
redis.call('TYPE', probe)
redis.call('DEL', probe)
redis.call('HSET', probe, 'a', '1')
redis.call('HGET', probe, 'a')
redis.call('HMGET', probe, 'a')
redis.call('HINCRBY', probe, 'a', 1)
redis.call('HDEL', probe, 'a')
redis.call('RPUSH', probe, '1', '2')
redis.call('LLEN', probe)
redis.call('LRANGE', probe, 0, 0)
redis.call('LSET', probe, 0, '3')
redis.call('LTRIM', probe, 1, -1)
redis.call('DEL', probe)

redis.call('HSET', KEYS[1], 'token', ARGV[1])
return { redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2]) }
