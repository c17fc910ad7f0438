// Shows the offline page when a page cannot be loaded, and leaves everything else alone.{% load static %}

const OFFLINE = "{% url 'offline' %}";
const ITS_PARTS = [
  "{% static 'archibald/palette.css' %}",
  "{% static 'archibald/site.css' %}",
  "{% static 'archibald/site.js' %}",
  "{% static 'archibald/page_errors.js' %}",
  "{% static 'archibald/icon.svg' %}",
];
const CACHE = "offline-1";

addEventListener("install", (event) => event.waitUntil(install(event)));
addEventListener("activate", (event) => event.waitUntil(deleteOtherCaches()));
addEventListener("message", (event) => event.waitUntil(keep())); // the language or the files may be others now

addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin) return;
  if (mode === "navigate") event.respondWith(fetch(event.request).catch(() => getCached(OFFLINE)));
  else if (ITS_PARTS.includes(pathname)) event.respondWith(fetch(event.request).catch(() => getCached(pathname)));
});

async function install(event) {
  // What a page sends while it is being left is lost when it goes through a worker: the API must not. Where browsers
  // cannot be told, there is no worker, and they show a page of their own when there is no connection.
  if (!event.addRoutes) throw new Error("no static routes in this browser");
  await event.addRoutes({ condition: { urlPattern: new URLPattern({ pathname: "/api/*" }) }, source: "network" });
  await keep();
}

async function keep() {
  const cache = await caches.open(CACHE);
  await cache.addAll([OFFLINE, ...ITS_PARTS].map((path) => new Request(path, { cache: "no-cache" })));
}

async function getCached(path) {
  const cache = await caches.open(CACHE);
  return (await cache.match(path, { ignoreVary: true })) ?? Response.error();
}

async function deleteOtherCaches() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
}
