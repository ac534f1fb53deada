#!/bin/sh
# Keeps a certificate of an ACME authority (Let's Encrypt) where Envoy watches for it, and renews it in time.
# Envoy takes what is moved into the folder, and needs a certificate to start with: one that nobody believes until the
# authority has signed another.
#
#   HEADRACE_DOMAIN  the name of the front door
#   ACME_EMAIL       whom the authority writes to
#   ACME_SERVER      the authority; by default Let's Encrypt
#   FOLDER, PORT, EDGE, OWNER, OPTIONS  where certificates go; where challenges are answered; host:port of Envoy's port
#                    without TLS; who may read the key; further options of certbot
set -eu
: "${HEADRACE_DOMAIN:?the name of the front door}" "${ACME_EMAIL:?an address of the authority's messages}"
: "${FOLDER:=/certificates}" "${PORT:=8402}" "${EDGE:=envoy:4280}" "${OWNER:=65532}" "${OPTIONS:=}"
: "${ACME_SERVER:=https://acme-v02.api.letsencrypt.org/directory}"

put() {
    umask 077
    cp "$1" "$FOLDER/.tls.crt"
    cp "$2" "$FOLDER/.tls.key"
    chown "$OWNER" "$FOLDER/.tls.crt" "$FOLDER/.tls.key"
    mv -f "$FOLDER/.tls.key" "$FOLDER/tls.key"
    mv -f "$FOLDER/.tls.crt" "$FOLDER/tls.crt"
}

# certbot calls this when it has got a certificate.
if [ "${1:-}" = got ]; then
    put "$RENEWED_LINEAGE/fullchain.pem" "$RENEWED_LINEAGE/privkey.pem"
    exit
fi

if [ ! -s "$FOLDER/tls.crt" ]; then
    made=$(mktemp -d)
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$HEADRACE_DOMAIN" \
        -addext "subjectAltName=DNS:$HEADRACE_DOMAIN" -keyout "$made/key" -out "$made/crt" 2>/dev/null
    put "$made/crt" "$made/key"
    rm -r "$made"
fi

while :; do
    # The authority comes to Envoy, so that one has to be there.
    until python3 -c "import socket; socket.create_connection(('${EDGE%:*}', ${EDGE##*:}), 2)" 2>/dev/null; do
        sleep 1
    done
    # shellcheck disable=SC2086
    if certbot certonly --standalone --http-01-port "$PORT" --domain "$HEADRACE_DOMAIN" --server "$ACME_SERVER" \
        --email "$ACME_EMAIL" --agree-tos --non-interactive --keep-until-expiring --deploy-hook "/bin/sh $0 got" \
        --config-dir "$FOLDER/acme" --work-dir /tmp/certbot --logs-dir /tmp/certbot $OPTIONS; then
        pause=43200
    else
        # Authorities count what fails, and shut out for an hour who fails often.
        pause=3600
    fi
    sleep "$pause" &
    wait $!
done
