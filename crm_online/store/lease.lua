-- Takes or keeps a lease, and writes what only its holder may. KEYS: lease, hashes. ARGV: token, milliseconds, then for
-- each write the number of its hash from 1, a field, and its value behind a '=', or '' to remove it.
-- Gives 1, or 0 if another holds the lease: nothing was written.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
for at = 3, #ARGV, 3 do
  local hash, field, value = KEYS[1 + tonumber(ARGV[at])], ARGV[at + 1], ARGV[at + 2]
  if value == '' then
    redis.call('HDEL', hash, field)
  else
    redis.call('HSET', hash, field, string.sub(value, 2))
  end
end
return 1
