-- Reads the kept changes after a change, from all lists at one moment.
--
-- KEYS: meta, the lists by number of their topic. ARGV: epoch and number of the change, most entries of each list (-1 for all).
-- Gives the number of the partition's last change; by list the last change that left it (as EPOCH-NUMBER, '' if none did); by
-- list how many it holds; and by list the entry at or before the change, if there is one, and those after it.
--
-- Ids rise along a list, so the first one after the change is found by their heads: from the end in steps that double,
-- since readers are mostly near it, and then by halves.
local epoch, number = tonumber(ARGV[1]), tonumber(ARGV[2])
local most = tonumber(ARGV[3])

local function is_after(list, index)
    local _, _, _, its_epoch, its_number = struct.unpack('<BBBI4I8', redis.call('LRANGE', list, index, index)[1])
    return its_epoch > epoch or (its_epoch == epoch and its_number > number)
end

local function first_after(list, length)
    local low, high, step = 0, length, 1
    while low < high do
        local at = math.max(high - step, low)
        if is_after(list, at) then
            high, step = at, step * 2
        else
            low = at + 1
            break
        end
    end
    while low < high do
        local middle = math.floor((low + high) / 2)
        if is_after(list, middle) then high = middle else low = middle + 1 end
    end
    return high
end

local lengths, trimmed, found = {}, {}, {}
for list = 1, #KEYS - 1 do
    local key = KEYS[list + 1]
    local length = redis.call('LLEN', key)
    local first = first_after(key, length)
    lengths[list] = length
    trimmed[list] = redis.call('HGET', KEYS[1], 'trimmed:' .. list) or ''
    found[list] = redis.call('LRANGE', key, math.max(first - 1, 0), most < 0 and -1 or first + most - 1)
end
return { redis.call('HGET', KEYS[1], 'sequence') or '0', trimmed, lengths, found }
