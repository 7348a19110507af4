# Sourced by the scripts of the services: how cases are told, and free ports. `status` is what a script ends with.
status=0
must() { # must EXIT WHAT COMMAND…
    local expected=$1 what=$2 code=0
    shift 2
    "$@" >last.log 2>&1 || code=$?
    if [ "$code" = "$expected" ]; then echo "ok: $what (exit $code)"; else
        echo "FAILED: $what: exit $code, expected $expected"
        cat last.log
        status=1
    fi
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
