'use strict'
// The page is whole without this: it adds the search, the mark of where one is, and buttons to copy commands.
const links = [...document.querySelectorAll('nav a[href^="#"]')]
const search = document.querySelector('.search')
const field = search.querySelector('input')

function filter() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean)
  let shown = 0
  for (const link of links) {
    const text = (link.textContent + ' ' + link.title).toLowerCase()
    const fits = words.every((word) => text.includes(word))
    link.parentElement.hidden = !fits
    if (fits) shown++
  }
  for (const section of document.querySelectorAll('nav section')) {
    section.hidden = !section.querySelector('li:not([hidden])')
  }
  document.querySelector('.none').hidden = shown > 0
}

search.hidden = false
field.addEventListener('input', filter)
field.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    field.value = ''
    filter()
  }
  const first = links.find((link) => !link.parentElement.hidden)
  if (event.key === 'Enter' && first) first.click()
})
document.addEventListener('keydown', (event) => {
  if (event.key === '/' && document.activeElement !== field && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault()
    field.focus()
  }
})

const byId = new Map(links.map((link) => [link.getAttribute('href').slice(1), link]))
const inView = new Set()
const observer = new IntersectionObserver((entries) => {
  for (const entry of entries) inView[entry.isIntersecting ? 'add' : 'delete'](entry.target)
  const first = [...inView].sort((a, b) => a.compareDocumentPosition(b) & 4 ? -1 : 1)[0]
  for (const link of links) link.removeAttribute('aria-current')
  const link = first && byId.get(first.id)
  if (!link) return
  link.setAttribute('aria-current', 'true')
  if (!search.contains(document.activeElement)) link.scrollIntoView({ block: 'nearest' })
}, { rootMargin: '0px 0px -70% 0px' })
for (const article of document.querySelectorAll('article[id]:not(.small)')) observer.observe(article)

for (const code of document.querySelectorAll('pre.command code')) {
  code.textContent = code.textContent.replace('http://127.0.0.1:8080', location.origin)
  if (!navigator.clipboard) continue
  const button = document.createElement('button')
  button.textContent = 'copy'
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(code.textContent)
    button.textContent = 'copied'
    setTimeout(() => { button.textContent = 'copy' }, 1500)
  })
  code.parentElement.append(button)
}
