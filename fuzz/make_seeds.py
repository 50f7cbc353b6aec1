#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz targets whose inputs name no key.

    fuzz/make_seeds.py DIR        DIR/fuzz_<name>/<seed>, folders made as needed

The documents' seeds, which are signed, come from tests/scheme/fuzz_seeds.c.
"""
import codecs
import pathlib
import struct
import sys

U16 = struct.Struct(">H").pack
U32 = struct.Struct(">I").pack


def t0_seeds():
    def case(room, command, *answers):
        return (U16(room) + bytes([len(command)]) + command +
                b"".join(U16(len(answer)) + answer for answer in answers))
    select = bytes.fromhex("00A4040008F05354495645520100")
    read = bytes.fromhex("80CADF0100")
    return {
        "at-once": case(300, read, bytes(20) + b"\x90\x00"),
        "fetched": case(300, select, b"\x61\x13", bytes(19) + b"\x90\x00"),
        "fetched-twice": case(600, select, b"\x61\x00", bytes(256) + b"\x61\x08", bytes(8) + b"\x90\x00"),
        "asked-again": case(300, read, b"\x6C\x14", bytes(20) + b"\x90\x00"),
        "without-end": case(64, select, b"\x61\x01", b"\x61\x01", b"\x61\x01"),
        "too-long": case(8, read, bytes(20) + b"\x90\x00"),
        "extended": case(300, bytes.fromhex("80CA7F21000000"), b"\x90\x00"),
    }


def values_seeds():
    record = ('{"kind":"stiver stock record","serial":"0011223344556677",'
              '"transport_key":"00112233445566778899AABBCCDDEEFF","class":"%s"}\n')
    return {
        "amount": b"2.50", "amount-letters": b"2.50 EUR", "amount-no-places": b"250 JPY",
        "amount-three": b"1.005 KWD", "amount-negative": b"-1", "amount-most": b"42949672.95",
        "number": b"4000000000", "hex": b"00112233aAbBcCdD",
        "day": bytes.fromhex("20260228"), "leap-day": bytes.fromhex("20280229"),
        "stock-hardware": (record % "hardware").encode(),
        "stock-virtual": (record % "virtual").encode(),
    }


def image_seeds():
    def change(at, data):
        return at.to_bytes(3, "big") + bytes([len(data)]) + data

    def record(owner, number, data, version=1):
        return bytes([owner, number, version]) + U16(len(data)) + data
    return {
        "untouched": b"\x00",
        "foreign": b"\x00" + change(0, b"#!/bin/sh\n"),
        "newer": b"\x00" + change(len("stiver card image\nformat "), b"2"),
        "cut": b"\x00" + (33 * 4096 + 100).to_bytes(3, "big") + b"\x01\x00",
        "page-header": b"\x00" + change(4096, bytes(16)) + change(8192, b"\xFF" * 16),
        "ledger": b"\x01" + record(2, 0x01, bytes(64)),
        "log-entry": b"\x01" + record(2, 0x40, bytes(161)),
        "peer": b"\x01" + record(1, 16, bytes(96)),
        "clock": b"\x01" + record(1, 11, b"\xFF" * 12),
        "anchors": b"\x01" + record(1, 8, bytes(180)),
        "certificate": b"\x01" + record(1, 10, bytes.fromhex("7F2181FD")),
    }


def campus_seeds():
    key, pos, reload_, first = 0, 1, 2, 3          # values of the target's table
    def signed(ins, which, p2=0):
        return bytes([ins, 0, p2, which])

    def plain(ins, data, le=0):
        return bytes([ins, 0, 0, 0xFE | le]) + U16(len(data)) + data
    met = plain(0x20, U32(0x929) + U32(0x649F6C80) + U32(7) + U32(0x64980000))

    def all_of(certificate, p2, amount, *then):
        return (b"\x00" + met + signed(0x22, key) + signed(0x24, certificate, p2) +
                signed(0x26, first) + plain(0x28, U32(amount)) + b"".join(then))
    return {
        "pay": all_of(pos, 2, 1234, signed(0x42, first + 4 + 1)),
        "pay-too-much": all_of(pos, 2, 5001, signed(0x42, first + 4 + 2)),
        "load": all_of(reload_, 3, 1234, signed(0x30, first + 4 + 1), signed(0x32, first + 8 + 1)),
        "pay-at-reload": all_of(reload_, 3, 1234, signed(0x42, first + 4 + 1)),
        "load-at-pos": all_of(pos, 2, 1234, signed(0x30, first + 4 + 1), signed(0x32, first + 8 + 1)),
        "block": b"\x03" + signed(0x50, first + 3) + signed(0x54, key),
        "block-known": b"\x04" + signed(0x50, first + 3) + met,
        "card-certificate": b"\x02" + signed(0x24, pos, 1),
        "read": b"\x04" + b"".join(plain(ins, b"", 1) for ins in (0x52, 0x54, 0x56)),
        "load-signed": b"\x47" + signed(0x32, first + 1) + signed(0x32, first + 4 + 1),
        "fresh": b"\xC0" + plain(0x04, bytes(8)) + signed(0x06, pos) + met,
        "keyed": b"\x80" + signed(0x02, key) + plain(0x04, bytes(8)) + signed(0x06, pos) + met,
    }


def change(at, gone, data):
    return U16(at) + bytes([gone, len(data)]) + data


def bank_seeds():
    members = {"station": 0, "kiosk": 1, "shop": 2, "desk": 3}
    types = {"load-order": 0, "upload": 1, "stock": 2, "certify": 3}
    seeds = {"raw": b"\x00", "raw-cut": b"\x00" + change(16, 255, b"")}
    for member, kind in (("shop", "upload"), ("kiosk", "load-order"), ("station", "stock"),
                         ("station", "certify"), ("desk", "upload"), ("desk", "load-order"),
                         ("shop", "load-order")):
        choice = bytes([1, members[member] + 4 * types[kind]])
        seeds[f"{member}-{kind}"] = choice
        seeds[f"{member}-{kind}-changed"] = choice + change(4, 4, b"\x00\x00\x00\x02") + change(40, 1, b"\xFF")
    upload = bytes([1, members["shop"] + 4 * types["upload"]])
    abandoned = b"\x02" + bytes(8) + U32(9) + b"\x01"
    seeds["abandoned"] = upload + change(4, 4, U32(3)) + change(8, 0, abandoned)
    seeds["certificate"] = upload + change(8, 1, b"\x03")
    return seeds


def terminal_seeds():
    nothing = bytes([0]) + U32(0) + U32(0) + U32(0) + U32(0) + U32(0)  # result, then an empty answer
    list_field = change(17, 4, U32(5) + bytes(5))
    seeds = {"raw": b"\x00", "raw-bit": b"\x00" + change(40, 1, b"\x80")}
    for name, choice in (("upload", 1), ("package", 4), ("stock", 6), ("certify", 7)):
        for suffix, high in (("", 0), ("-trusting", 0x80)):
            seeds[name + suffix] = bytes([choice | high])
            seeds[name + suffix + "-changed"] = bytes([choice | high]) + change(90, 2, b"\x00\xFF\x01")
    seeds["refused"] = b"\x01" + change(0, 255, b"\x01the bank refuses \xC3\xA4 this")
    seeds["empty"] = b"\x01" + change(0, 255, nothing)
    seeds["highest"] = b"\x01" + change(1, 4, b"\xFF\xFF\x00\x01")
    seeds["list"] = b"\x81" + list_field
    seeds["acknowledgement"] = b"\x81" + change(9, 4, U32(1)) + change(13, 0, bytes(8) + U32(4) + bytes(4))
    return seeds


def vpcd_seeds():
    def message(data):
        return U16(len(data)) + data
    atr = bytes([0x04])
    select = bytes.fromhex("00A4040008F05354495645520100")
    life = message(b"\x01") + message(atr) + message(select) + message(b"\x02") + message(b"\x00")
    return {"life": b"\x00" + life, "bytewise": b"\x01" + life, "threes": b"\x03" + life,
            "empty": b"\x02" + message(b"") + message(b"\x01"),
            "longest": b"\x40" + message(bytes(2000))}


def campus_file_seeds():
    number = b"stiver campus\x01"
    base64 = b"A" * 344
    header = (b"timestamp,cardID,cardCounter,amount,terminalType,cardPubKey,"
              b"cardBackendSignature,transactionSignature\n")
    public = (bytes.fromhex("30820122300D06092A864886F70D01010105000382010F003082010A0282010100") +
              b"\xC1" * 256 + bytes.fromhex("0203010001"))
    spki = codecs.encode(public, "base64").replace(b"\n", b"")
    inside = bytes.fromhex("308204A2") + bytes(1186)
    private = (bytes.fromhex("308204BC020100300D06092A864886F70D0101010500048204A6") + inside)
    blocked = b"2026-12-01T10:20:30.123Z"
    certificate = U32(123) + U32(0x77F48B80) + b"\xC1" * 256 + bytes(256)
    return {
        "list-empty": blocked + b"\n" + base64[:-2] + b"==",
        "list": blocked + b"\n123\n-2147483525\n" + base64[:-2] + b"==",
        "list-offset": b"2026-12-01T10:20+01:00\n7\n" + base64[:-2] + b"==",
        "log": header + b",".join([b"1687683072", b"123", b"7", b"250", b"Pos", spki,
                                   base64[:-2] + b"==", base64[:-2] + b"=="]) + b"\n",
        "log-empty": header,
        "public": public, "private": private,
        "pem": b"-----BEGIN RSA PUBLIC KEY-----\n" + spki + b"\n-----END RSA PUBLIC KEY-----\n",
        "request": number + b"\x03" + U32(0x929) + bytes(16) + bytes(16),
        "answer": number + b"\x83" + U32(0x929) + bytes(16) + b"\x00",
        "upload-receipt": b"\x01\x00" + U32(7) + U32(250) + U32(0x64980000) + bytes(256) + certificate,
        "upload-outcome": b"\x02" + U32(123) + U32(7) + b"\x02",
        "upload-block": b"\x03" + U32(7) + U32(0x649F6C80) + bytes(256) + certificate,
        "enrol": b"\x01\x02" + b"\xC1" * 256,
        "package": (number + b"\x7F" + U32(0x929) + U32(0x649F6C80) + b"\x02" + b"\xC1" * 256 +
                    b"\xC3" * 256 + bytes(256) + U32(0)),
        "entry": b"\x02\x01" + U32(0x929) + U32(7) + U32(250) + U32(0x64980000) + U32(1000),
    }


SEEDS = {"t0": t0_seeds, "campus": campus_file_seeds, "values": values_seeds, "card_image": image_seeds,
         "card_campus": campus_seeds, "bank_link": bank_seeds, "terminal_link": terminal_seeds,
         "vpcd_frame": vpcd_seeds}


def main(directory):
    for target, seeds in SEEDS.items():
        folder = directory / f"fuzz_{target}"
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds().items():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make_seeds.py DIR")
    main(pathlib.Path(sys.argv[1]))
