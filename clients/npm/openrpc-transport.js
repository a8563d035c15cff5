// Calls that carry the key: over HTTP, and over a WebSocket the methods of live subscriptions, which are of a connection.
const WebSocket = require('ws')

let id = 0

module.exports = async function call(url, key, method, params) {
  const headers = { Authorization: `Bearer ${key}` }
  if (method.endsWith('subscribeEvents')) return overSocket(url, headers, method, params)
  const text = JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params })
  const answer = await fetch(url, { method: 'POST', headers: { ...headers, 'Content-Type': 'application/json' }, body: text })
  if (answer.status !== 200) throw new Error(`HTTP status ${answer.status}`)
  return answer.json()
}

// overSocket makes one call over a connection of its own. What an example ends is begun there before.
async function overSocket(url, headers, method, params) {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers })
  try {
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    if (method === 'unsubscribeEvents' && params.subscription?.startsWith('live_')) {
      const { result } = await exchange(socket, 'subscribeEvents', {})
      params = { ...params, subscription: result.subscription }
    }
    return await exchange(socket, method, params)
  } finally {
    socket.close()
  }
}

function exchange(socket, method, params) {
  const mine = ++id
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.on('message', function take(data) { // a notification may come before the answer
      const message = JSON.parse(data)
      if (message.id !== mine) return
      socket.off('message', take)
      resolve(message)
    })
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: mine, method, params }))
  })
}
