// Calls that carry the key: over HTTP, and over a WebSocket the methods that are to be had there only.
const WebSocket = require('ws')

let id = 0

module.exports = async function call(url, key, method, params) {
  const text = JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params })
  const headers = { Authorization: `Bearer ${key}` }
  const answer = await fetch(url, { method: 'POST', headers: { ...headers, 'Content-Type': 'application/json' }, body: text })
  if (answer.status !== 200) throw new Error(`HTTP status ${answer.status}`)
  const message = await answer.json()
  return message.error?.data === 'only over a WebSocket' ? overSocket(url, headers, text) : message
}

function overSocket(url, headers, text) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers })
    socket.on('open', () => socket.send(text))
    socket.on('error', reject)
    socket.on('message', (data) => { // a notification may come before the answer
      const message = JSON.parse(data)
      if (message.id === undefined) return
      socket.close()
      resolve(message)
    })
  })
}
