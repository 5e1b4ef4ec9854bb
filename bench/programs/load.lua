-- wrk's side of the load: every body is another one, as callers send them.
-- Arguments: API key, a prefix for the addresses, milliseconds between two calls of one connection.
local at = 0
local prefix, pause
local headers = {}
local body = '{"rcpt":"%s%d@example.com","templateSlug":"bench","variables":{"first_name":"Ann %d",'
  .. '"last_name":"Example","company":"Example Works %d","plan":"Yearly","city":"Example City",'
  .. '"country":"Exampleland","order_number":"N-%d","order_date":"2026-11-23","total":"%d.50","currency":"EUR",'
  .. '"item":"A thing with a longer name, in blue, number %d","delivery_day":"Thursday",'
  .. '"support_mail":"support@example.com","account_url":"https://example.com/account/%d?from=mail",'
  .. '"coupon":"THANKS-%d"},"tags":["order","bench"],"metadata":{"order":"%d"}}'

function init(args)
  headers['Authorization'] = 'Bearer ' .. args[1]
  headers['Content-Type'] = 'application/json'
  prefix = args[2]
  pause = tonumber(args[3] or '0')
  if pause > 0 then
    delay = function() return pause end
  end
end

function request()
  at = at + 1
  return wrk.format('POST', nil, headers,
    string.format(body, prefix, at, at, at, at, at, at, at, at, at))
end

function done(summary, latency)
  io.write(string.format(
    '\nRESULT {"requests":%d,"refused":%d,"broken":%d,"micros":%d,"p50":%.3f,"p99":%.3f}\n',
    summary.requests, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    summary.duration, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
