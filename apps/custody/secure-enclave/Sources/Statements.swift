// NEVER COMPILED, NEVER RUN: see ../README.md.
// What a key may sign and open, spec/custody.md: a statement that decodes as its domain's, whole and canonical, and names what the key is bound to.

import Foundation

struct Binding: Equatable {
    let fleet: Data
    let agent: Data
}

/// What the policy knows of a key.
struct Known {
    let sign: Data
    let seal: Data
    let binding: Binding?
}

let level = "secure-enclave"
let levels = "software, unsealed|software|tpm|pkcs11|secure-enclave"
let scopeName = "[a-z0-9][a-z0-9._-]*"
let capabilityName = "[a-z0-9][a-z0-9._:-]*"
private let maxSealedBytes = 256 * 1024
let maxEntryBytes = maxSealedBytes + 2048
private let maxSessionKeyMs: Int64 = 600_000
private let maxWallClockMs: Int64 = 253_402_300_799_999

func refused(_ message: String) -> Fault { Fault("custody_refused", message) }

func assertOwn(_ key: Known, fleet: Data, agent: Data) throws {
    guard let own = key.binding else { throw refused("key is not bound to an agent yet") } // [CUSTODY-6]
    guard own == Binding(fleet: fleet, agent: agent) else { throw refused("this is of another fleet or agent") } // [CUSTODY-7] [CUSTODY-12]
}

func assertMaySign(_ key: Known, _ domain: String, _ statement: Data, nowMs: Int64) throws {
    switch domain {
    case "entry":
        var entry = try Fields(decoded(statement, maxBytes: maxEntryBytes)) // [CUSTODY-5]
        _ = try entry.integer("v", 1...1)
        let (fleet, topic, author) = (try entry.bytes("fleet", 32), try entry.bytes("topic", 16), try entry.bytes("author", 16))
        _ = try entry.integer("position", 0...(1 << 48))
        _ = (try entry.bytes("previous", 32), try entry.bytes("id", 16), try entry.integer("atMs", 0...maxWallClockMs))
        if entry.has("control") {
            var control = try entry.record("control")
            _ = (try control.integer("position", 0...(1 << 48)), try control.bytes("hash", 32))
            try control.end()
        }
        _ = try entry.text("audience", max: 64, "operators|fleet|agent:[0-9a-f]{32}")
        _ = (try entry.integer("epoch", 0...(1 << 32)), try entry.bytes("keyCommitment", 32), try entry.bytes("sealed", upTo: maxSealedBytes))
        try entry.end()
        try assertOwn(key, fleet: fleet, agent: author)
        guard topic == author else { throw refused("entry is for another topic than the agent's own") } // [CUSTODY-8]
    case "relay-auth":
        var auth = try Fields(decoded(statement, maxBytes: 512))
        _ = try auth.integer("v", 1...1)
        let (fleet, principal) = (try auth.bytes("fleet", 32), try auth.bytes("principal", 16))
        _ = (try auth.bytes("nonce", 32), try auth.bytes("relay", 65))
        try auth.end()
        try assertOwn(key, fleet: fleet, agent: principal)
    case "session-key":
        var session = try Fields(decoded(statement, maxBytes: 512))
        _ = try session.integer("v", 1...1)
        let (fleet, agent) = (try session.bytes("fleet", 32), try session.bytes("agent", 16))
        _ = try session.bytes("key", 65)
        let (from, until) = (try session.integer("notBeforeMs", 0...maxWallClockMs), try session.integer("notAfterMs", 0...maxWallClockMs))
        try session.end()
        guard until > from, until - from <= maxSessionKeyMs else { throw Fault("codec_shape", "life of up to ten minutes expected") } // [SESSION-KEY-2]
        try assertOwn(key, fleet: fleet, agent: agent)
        guard until > nowMs, until <= nowMs + maxSessionKeyMs else { throw refused("session key does not start now") } // [CUSTODY-9]
    case "pairing-offer":
        var offer = try Fields(decoded(statement, maxBytes: 4608))
        _ = (try offer.integer("v", 1...1), try offer.bytes("agent", 16), try offer.text("scope", max: 64, scopeName))
        _ = try offer.text("machine", max: 64, "[^\\p{C}]+")
        var keys = try offer.record("keys")
        let (sign, seal) = (try keys.bytes("sign", 65), try keys.bytes("seal", 1249))
        try keys.end()
        let stated = try offer.text("custody", max: 64, levels)
        _ = (try offer.texts("capabilities", 0...32, max: 64, capabilityName), try offer.bytes("nonce", 16))
        try offer.end()
        guard key.binding == nil else { throw refused("key is bound to an agent already") } // [CUSTODY-10]
        guard sign == key.sign, seal == key.seal else { throw refused("offer is for other keys") } // [CUSTODY-10]
        guard stated == level else { throw refused("offer states another custody level") } // [CUSTODY-11]
    default: throw Fault("codec_shape", "no agent signs such a thing") // [CUSTODY-5]
    }
}

/// HPKE's `info`, spec/hpke.md, for a purpose that this key may open. [HPKE-5]
func sealingInfo(_ key: Known, _ given: Value) throws -> Data {
    var purpose = try Fields(given)
    let kind = try purpose.text("kind", max: 16)
    let fleet = try purpose.bytes("fleet", 32)
    let agent: Data
    switch kind {
    case "lockbox":
        _ = try purpose.text("audience", max: 64, "operators|fleet|agent:[0-9a-f]{32}")
        _ = try purpose.integer("epoch", 0...(1 << 32))
        agent = try purpose.bytes("member", 16)
    case "grant":
        _ = (try purpose.bytes("grant", 16), try purpose.bytes("item", 16))
        agent = try purpose.bytes("agent", 16)
    case "use": throw refused("what is approved for one use is sealed to no key of custody") // [CUSTODY-12]
    default: throw Fault("codec_shape", "no agent opens such a thing")
    }
    try purpose.end()
    try assertOwn(key, fleet: fleet, agent: agent)
    return Data("holdfast/v1 seal\0".utf8) + encoded(given)
}
