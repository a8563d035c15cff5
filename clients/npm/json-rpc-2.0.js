// json-rpc-2.0 over fetch.
const { JSONRPCClient } = require('json-rpc-2.0')
const { url, key, scene } = require('./scene')

const client = new JSONRPCClient(async (request) => {
  const response = await fetch(`${url}/rpc`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` },
    body: JSON.stringify(request),
  })
  if (response.status === 204) return
  client.receive(await response.json())
})

scene('json-rpc-2.0', (method, params) => client.request(method, params))
  .catch((e) => { console.error(e); process.exit(1) })
