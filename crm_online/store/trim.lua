-- Drops the outbox up to and with a sequence number. KEYS: meta, outbox. ARGV: upto. Gives how many went.
local sequence = tonumber(redis.call('HGET', KEYS[1], 'sequence') or '0')
local length = redis.call('LLEN', KEYS[2])
local gone = math.min(math.max(tonumber(ARGV[1]) - sequence + length, 0), length)
if gone > 0 then redis.call('LTRIM', KEYS[2], gone, -1) end
return gone
