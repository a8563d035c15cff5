// rpc-websockets: one socket, the key by the authenticate method.
const { Client } = require('rpc-websockets')
const { url, key, scene } = require('./scene')

const client = new Client(`${url.replace(/^http/, 'ws')}/rpc`, { reconnect: false })
client.on('open', async () => {
  try {
    await client.call('authenticate', { key })
    await scene('rpc-websockets', (method, params) => client.call(method, params))
    client.close()
  } catch (e) {
    console.error(e)
    process.exit(1)
  }
})
client.on('error', (e) => { console.error(e); process.exit(1) })
