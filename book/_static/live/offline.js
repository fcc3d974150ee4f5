// Once a chapter has run, the pages that the reader has seen open without a network, too. (A service
// worker; live_cells.py puts it at the top of the site, because it serves what is below it.)
const CACHE = "lvm-pages";
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method !== "GET" || !url.startsWith(registration.scope) || url.endsWith(".gz")) return;
  event.respondWith((async () => {
    const cache = await caches.open(CACHE);
    try {
      const response = await fetch(event.request);
      if (response.ok) event.waitUntil(cache.put(url, response.clone()).catch(() => {})); // no room
      return response;
    } catch (error) {
      const kept = await cache.match(url);
      if (kept) return kept;
      throw error;
    }
  })());
});
