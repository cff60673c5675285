-- Reads the entries after a sequence number. KEYS: meta, outbox. ARGV: after, most entries (-1 for all).
local sequence = tonumber(redis.call('HGET', KEYS[1], 'sequence') or '0')
local length = redis.call('LLEN', KEYS[2])
local from = math.max(tonumber(ARGV[1]) - sequence + length, 0)
local most = tonumber(ARGV[2])
return redis.call('LRANGE', KEYS[2], from, most < 0 and -1 or from + most - 1)
