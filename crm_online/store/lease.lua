-- Takes, keeps or gives up a lease, and writes what only its holder may. KEYS: lease, hashes. ARGV: token, milliseconds (0:
-- it is given up), whether it may be taken ('1') or only kept ('0'), then for each write the number of its hash from 1,
-- a field, and its value behind a '=', or '' to remove it.
-- Gives 1, or 0 if another holds the lease, or nobody and it may not be taken: nothing was written.
local holder = redis.call('GET', KEYS[1])
if holder ~= ARGV[1] and (holder or ARGV[3] == '0') then return 0 end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
for at = 4, #ARGV, 3 do
  local hash, field, value = KEYS[1 + tonumber(ARGV[at])], ARGV[at + 1], ARGV[at + 2]
  if value == '' then
    redis.call('HDEL', hash, field)
  else
    redis.call('HSET', hash, field, string.sub(value, 2))
  end
end
return 1
