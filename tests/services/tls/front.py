"""A TLS server in front of a plain one: front.py LISTEN_PORT BACK_PORT CERTIFICATE KEY CLIENT_AUTHORITY."""

import asyncio
import ssl
import sys

listen, back, certificate, key, authority = sys.argv[1:]

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
context.load_verify_locations(authority)
context.verify_mode = ssl.CERT_REQUIRED


async def pump(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()


async def serve(reader, writer):
    back_reader, back_writer = await asyncio.open_connection("127.0.0.1", int(back))
    await asyncio.gather(pump(reader, back_writer), pump(back_reader, writer))


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(listen), ssl=context)
    print("ready", flush=True)
    await server.serve_forever()


asyncio.run(main())
