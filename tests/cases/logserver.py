#!/usr/bin/python3
"""An API server of one namespace, its pods, their events and logs, told by HTTP what to do.

    logserver.py PORTFILE      listens on a free port of the loopback; writes it to PORTFILE

    POST /do/pod?name=N          body: the pod; made, changed, or (empty) deleted
    POST /do/event?name=N        body: the event
    POST /do/log?pod=N&container=C[&at=SECONDS]   body: lines, appended with their timestamps
    POST /do/begin?pod=N&container=C    a new run: what there is becomes the log before
    POST /do/break               every log that is followed ends in the middle of a chunk
    GET  /do/asked               what was asked of logs: the query and how many bytes went out

Timestamps of one append are a microsecond apart; sinceTime leaves out older lines, one by one.
"""
import datetime, http.server, json, os, re, socketserver, sys, threading, urllib.parse

changed = threading.Condition()
objects = {"pods": {}, "events": {}, "namespaces": {}}
history = []  # (revision, plural, type, object)
logs, before, asked = {}, {}, []
revision = broken = 0
start = datetime.datetime(2026, 1, 2, 3, 4, 5)
KINDS = {"pods": "Pod", "events": "Event", "namespaces": "Namespace"}


def resource(name, namespaced):
    return {"name": name, "singularName": "", "kind": KINDS[name], "namespaced": namespaced,
            "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"]}


def put(plural, name, body):
    global revision
    revision += 1
    old = objects[plural].pop(name, None)
    o = json.loads(body) if body else old
    meta = o.setdefault("metadata", {})
    meta.update(name=name, resourceVersion=str(revision))
    meta.setdefault("creationTimestamp", "2026-01-02T03:04:05Z")
    if plural != "namespaces":
        meta["namespace"] = "d"
    o.update(apiVersion="v1", kind=KINDS[plural])
    if body:
        meta.setdefault("uid", (old or o)["metadata"].get("uid") or "uid-%d" % revision)
        objects[plural][name] = o
    kind = "DELETED" if not body else "MODIFIED" if old else "ADDED"
    history.append((revision, plural, kind, json.loads(json.dumps(o))))


def stamp(at):
    return (start + datetime.timedelta(microseconds=at)).isoformat(timespec="microseconds") + "Z"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, o, status=200):
        body = json.dumps(o).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fails(self, status, reason, message):
        self.answer({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason,
                     "code": status, "message": message}, status)

    def begin(self, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def watch(self, plural, after):
        self.begin("application/json")
        sent = 0
        while True:
            with changed:
                while sent == len(history):
                    changed.wait()
                news, sent = history[sent:], len(history)
            for at, what, kind, o in news:
                if what == plural and at > after:
                    self.chunk(json.dumps({"type": kind, "object": o}).encode() + b"\n")

    def log(self, pod, query):
        container, key = query["container"], (pod, query["container"])
        where = before if query.get("previous") == "true" else logs
        since, told = query.get("sinceTime", ""), {"query": query, "bytes": 0}
        with changed:
            asked.append(told)
            known, breaks = where.get(key), broken
            alive = pod in objects["pods"]
        if known is None:
            return self.fails(400, "BadRequest", 'container "%s" in pod "%s" is waiting to start' % (container, pod))
        self.begin("text/plain")
        sent = 0
        while True:
            with changed:
                while query.get("follow") == "true" and sent == len(known) and known is where.get(key) \
                        and breaks == broken and pod in objects["pods"]:
                    changed.wait()
                news, ended = known[sent:], sent == len(known)
                sent = len(known)
                if breaks != broken:
                    self.wfile.write(b"ff\r\nhalf a line")
                    self.close_connection = True
                    return None
            text = b"".join(at.encode() + b" " + line for at, line in news if at >= since[:19])
            told["bytes"] += len(text)
            if text:
                self.chunk(text)
            if query.get("follow") != "true" or ended:
                break
        return self.wfile.write(b"0\r\n\r\n")

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        path = url.path.strip("/").split("/")
        if path == ["do", "asked"]:
            return self.answer(asked)
        if path == ["version"]:
            return self.answer({"major": "1", "minor": "36", "gitVersion": "v1.36.0"})
        if path == ["api"]:
            return self.answer({"kind": "APIVersions", "versions": ["v1"]})
        if path == ["apis"]:
            return self.answer({"kind": "APIGroupList", "apiVersion": "v1", "groups": []})
        if path == ["api", "v1"]:
            return self.answer({"kind": "APIResourceList", "groupVersion": "v1", "resources": [
                resource("namespaces", False), resource("pods", True), resource("events", True)]})
        if path[-1] == "log":
            return self.log(path[-2], query)
        if path[-1] in objects and query.get("watch") in ("1", "true"):
            return self.watch(path[-1], int(query.get("resourceVersion") or 0))
        with changed:
            if path[-1] in objects:
                return self.answer({"kind": KINDS[path[-1]] + "List", "apiVersion": "v1",
                                    "metadata": {"resourceVersion": str(revision)},
                                    "items": list(objects[path[-1]].values())})
            if len(path) > 1 and path[-1] in objects.get(path[-2], {}):
                return self.answer(objects[path[-2]][path[-1]])
        return self.fails(404, "NotFound", "no " + self.path)

    def do_POST(self):
        global broken
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        key = (query.get("pod"), query.get("container"))
        with changed:
            if url.path == "/do/log":
                lines = logs.setdefault(key, [])
                at = int(float(query["at"]) * 1e6) if "at" in query else len(lines) * 1000
                lines += [(stamp(at + i), line) for i, line in enumerate(re.findall(rb"[^\n]*\n|[^\n]+$", body))]
            elif url.path == "/do/begin":
                before[key] = logs.get(key, [])
                logs[key] = []
            elif url.path == "/do/break":
                broken += 1
            else:
                put(url.path.split("/")[-1] + "s", query["name"], body)
            changed.notify_all()
        self.answer({})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def server_bind(self):  # without asking for the host's name
        socketserver.TCPServer.server_bind(self)


put("namespaces", "d", b"{}")
server = Server(("127.0.0.1", 0), Handler)
with open(sys.argv[1] + ".new", "w") as f:
    f.write(str(server.server_address[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
