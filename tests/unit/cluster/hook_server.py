#!/usr/bin/env python3
"""Webhooks that answer from a script, good and bad, for the tests of the local cluster.

usage: hook_server.py DIRECTORY

Makes certificates in DIRECTORY (ca.crt, other.crt) for 127.0.0.1 and hook.default.svc, listens on a
free port of 127.0.0.1, writes it to DIRECTORY/port, prints one line and serves until its standard
input ends. What a webhook answers is decided by its path: /convert/SCRIPT, /mutate/SCRIPT,
/validate/SCRIPT. GET /log tells the questions so far and forgets them; GET /held waits for the next
question that is held (scripts "hold" and "slow"); GET /release lets all of "hold" go.
"""
import base64, http.server, json, os, ssl, sys, threading

from remote_server import Handler as Answers, Server, make_certificates

lock = threading.Condition()
log, held, released, connections = [], 0, 0, 0


def convert_one(o, version):
    """v1 has spec.size, v2 spec.dimension.size."""
    o = json.loads(json.dumps(o))
    spec = o.setdefault("spec", {})
    if version.endswith("/v2") and "size" in spec:
        spec["dimension"] = {"size": spec.pop("size")}
    elif version.endswith("/v1") and "dimension" in spec:
        spec["size"] = spec.pop("dimension").get("size")
    o["apiVersion"] = version
    return o


class Handler(Answers):
    def setup(self):
        global connections
        super().setup()
        with lock:
            connections += 1

    def handle_any(self):
        n = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(n)
        path, _, query = self.path.partition("?")
        parts = path.strip("/").split("/")
        if self.command == "GET":
            return getattr(self, "tell_" + parts[0])()
        review = json.loads(self.body)
        with lock:
            log.append({"path": path, "query": query, "review": review,
                        "host": self.headers.get("Host"),
                        "agent": self.headers.get("User-Agent"),
                        "authorization": self.headers.get("Authorization")})
        script = parts[1] if len(parts) > 1 else "good"
        common = getattr(self, "any_" + script.replace("-", "_"), None)
        if common:
            return common(parts[0], review)
        return getattr(self, parts[0])(script, review)

    do_GET = do_POST = handle_any

    def tell_log(self):
        with lock:
            self.answer(200, {"questions": log, "connections": connections})
            log.clear()

    def tell_held(self):
        global held
        with lock:
            lock.wait_for(lambda: held > 0)
            held -= 1
        self.answer(200, {})

    def tell_release(self):
        global released
        with lock:
            released += 1
            lock.notify_all()
        self.answer(200, {})

    # Bad servers ---------------------------------------------------------------------------

    def arrive(self):
        global held
        with lock:
            held += 1
            lock.notify_all()
            return released

    def any_hold(self, kind, review):
        mine = self.arrive()
        with lock:
            lock.wait_for(lambda: released > mine)
        getattr(self, kind)("good", review)

    def any_slow(self, kind, review):
        self.arrive()
        self.wait_for_client()

    def any_dying(self, kind, review):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"kind":"')
        self.die()

    def any_garbage(self, kind, review):
        self.answer(200, b"{]")

    def any_scalar(self, kind, review):
        self.answer(200, b"17")

    def any_huge(self, kind, review):
        self.begin_chunks()
        try:
            while True:
                self.chunk(b" " * (1 << 20))
        except OSError:
            self.close_connection = True

    def any_redirect(self, kind, review):
        self.answer(307, b"", [("Location", "/%s/good" % kind)])

    def any_missing(self, kind, review):
        self.answer(404, b"no such page\n", kind="text/plain")

    def any_broken(self, kind, review):
        self.answer(500, b"out of order\n", kind="text/plain")

    # Conversion ----------------------------------------------------------------------------

    def convert(self, script, review):
        request = review["request"]
        version = request["desiredAPIVersion"]
        objects = [convert_one(o, version) for o in request["objects"]]
        answer = {"kind": "ConversionReview", "apiVersion": review["apiVersion"],
                  "response": {"uid": request["uid"], "result": {"status": "Success"},
                               "convertedObjects": objects}}
        change = getattr(self, "convert_" + script.replace("-", "_"))
        change(answer, answer["response"], objects)
        self.answer(200, answer)

    def convert_good(self, answer, response, objects):
        pass

    def convert_short(self, answer, response, objects):
        objects.pop()

    def convert_reversed(self, answer, response, objects):
        objects.reverse()

    def convert_renames(self, answer, response, objects):
        objects[0]["metadata"]["name"] = "other"

    def convert_other_uid(self, answer, response, objects):
        objects[0]["metadata"]["uid"] = "other"

    def convert_relabels(self, answer, response, objects):
        for o in objects:
            o["metadata"]["labels"] = {"by": "hook"}
            o["metadata"].pop("annotations", None)
            o["metadata"]["finalizers"] = ["example.com/hook"]
            o["metadata"]["resourceVersion"] = "1"
            o["unknown"] = 1

    def convert_bad_label(self, answer, response, objects):
        objects[0]["metadata"]["labels"] = {"by": "no good value"}

    def convert_number_label(self, answer, response, objects):
        objects[0]["metadata"]["labels"] = {"by": 1}

    def convert_no_metadata(self, answer, response, objects):
        del objects[0]["metadata"]

    def convert_unasked(self, answer, response, objects):
        response["uid"] = "another"

    def convert_wrong_kind(self, answer, response, objects):
        answer["kind"] = "AdmissionReview"

    def convert_lazy(self, answer, response, objects):
        objects[0]["apiVersion"] = "example.com/v3"

    def convert_other_kind(self, answer, response, objects):
        objects[0]["kind"] = "Gadget"

    def convert_no_object(self, answer, response, objects):
        objects[0] = 17

    def convert_fails(self, answer, response, objects):
        response["result"] = {"status": "Failure", "message": "no way"}

    def convert_silent(self, answer, response, objects):
        del answer["response"]

    # Admission -----------------------------------------------------------------------------

    def admit(self, script, review, patch=None):
        """SCRIPT may have an argument: "label=team"."""
        name, _, argument = script.partition("=")
        request = review["request"]
        response = {"uid": request["uid"], "allowed": True}
        answer = {"kind": "AdmissionReview", "apiVersion": review["apiVersion"],
                  "response": response}
        change = getattr(self, "admit_" + name.replace("-", "_"))
        patch = change(answer, response, request.get("object") or {}, argument)
        if patch is not None:
            response["patch"] = base64.b64encode(json.dumps(patch).encode()).decode()
            response.setdefault("patchType", "JSONPatch")
        self.answer(200, answer)

    mutate = validate = admit

    def admit_good(self, answer, response, o, argument):
        pass

    def admit_denies(self, answer, response, o, argument):
        response["allowed"] = False
        response["status"] = {"message": argument or "no way"}

    def admit_denies_bare(self, answer, response, o, argument):
        response["allowed"] = False

    def admit_denies_well(self, answer, response, o, argument):
        response["allowed"] = False
        response["status"] = {"code": 422, "reason": "Invalid", "details": {
            "name": "a", "causes": [{"field": "data.x", "message": "is bad"}]}}

    def admit_denies_missing(self, answer, response, o, argument):
        response["allowed"] = False
        response["status"] = {"code": 404, "reason": "NotFound", "message": "gone"}

    def admit_warns(self, answer, response, o, argument):
        response["warnings"] = ["mind the gap", 17]
        response["auditAnnotations"] = {"note": "seen", "bad": 1}

    def admit_label(self, answer, response, o, argument):
        if "labels" in o.get("metadata", {}):
            return [{"op": "add", "path": "/metadata/labels/" + argument, "value": "yes"}]
        return [{"op": "add", "path": "/metadata/labels", "value": {argument: "yes"}}]

    def admit_sidecar(self, answer, response, o, argument):
        if any(c["name"] == argument for c in o["spec"]["containers"]):
            return None
        return [{"op": "add", "path": "/spec/containers/-",
                 "value": {"name": argument, "image": "side"}}]

    def admit_count(self, answer, response, o, argument):
        """Tells in a label how many containers it sees."""
        value = str(len(o["spec"]["containers"]))
        if o["metadata"].get("labels", {}).get("count") == value:
            return None
        return [{"op": "add", "path": "/metadata/labels", "value": {"count": value}}]

    def admit_empty_patch(self, answer, response, o, argument):
        return []

    def admit_patch(self, answer, response, o, argument):
        return PATCHES[argument]

    def admit_no_base64(self, answer, response, o, argument):
        response.update(patch="*", patchType="JSONPatch")

    def admit_no_json(self, answer, response, o, argument):
        response.update(patch="e10=", patchType="JSONPatch")

    def admit_patch_type(self, answer, response, o, argument):
        response["patchType"] = argument
        return [] if argument == "" else [{"op": "remove", "path": "/data"}]

    def admit_untyped_patch(self, answer, response, o, argument):
        response["patch"] = "W10="

    def admit_unasked(self, answer, response, o, argument):
        response["uid"] = "another"

    def admit_wrong_kind(self, answer, response, o, argument):
        answer["kind"] = "Review"

    def admit_silent(self, answer, response, o, argument):
        del answer["response"]

    def admit_odd(self, answer, response, o, argument):
        response["allowed"] = "yes"


PATCHES = {
    "missing": [{"op": "remove", "path": "/data/none"}],
    "rename": [{"op": "replace", "path": "/metadata/name", "value": "other"}],
    "kind": [{"op": "replace", "path": "/kind", "value": "Secret"}],
    "unknown": [{"op": "add", "path": "/unknown", "value": 1}],
    "type": [{"op": "add", "path": "/data", "value": "text"}],
    "uid": [{"op": "add", "path": "/metadata/uid", "value": "mine"}],
    "invalid": [{"op": "add", "path": "/metadata/labels", "value": {"a": "no good value"}}],
    "managed": [{"op": "add", "path": "/metadata/managedFields", "value": [{"manager": "m"}]}],
    "status": [{"op": "add", "path": "/status/phase", "value": "Failed"}],
    "none": [{"op": "replace", "path": "", "value": 17}],
    "data": [{"op": "add", "path": "/data", "value": {"hook": "was here"}}],
}


def main():
    d = sys.argv[1]
    make_certificates(d, "IP:127.0.0.1,DNS:hook.default.svc")
    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(d, "server.crt"), os.path.join(d, "server.key"))
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    with open(os.path.join(d, "port"), "w") as f:
        f.write("%d" % server.server_address[1])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


main()
