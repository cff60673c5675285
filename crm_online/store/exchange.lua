-- Exchanges values of a list by other values, wherever they are by now: a commit may have trimmed the list meanwhile.
-- KEYS: list. ARGV: value, what takes its place, and so on.
for at = 1, #ARGV, 2 do
    local index = redis.call('LPOS', KEYS[1], ARGV[at])
    if index then redis.call('LSET', KEYS[1], index, ARGV[at + 1]) end
end
return 0
