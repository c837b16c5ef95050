// NEVER COMPILED, NEVER RUN: see ../README.md.
// Proofs of a key and delegations, spec/presentation.md and spec/delegation.md: built here from typed fields, with custody's own time. [CUSTODY-31]

import CryptoKit
import Foundation

let credentialForm = "[\\w-]+\\.[\\w-]+\\.[\\w-]+~(?:[\\w-]+~)*"
let printable = "[\\x21-\\x7e]+"

/// Only a credential of the key's own fleet and agent, and for this very key. [CUSTODY-30]
func assertMayPresent(_ key: Known, _ credential: String) throws {
    let said = try payload(of: credential)
    guard case .text(let iss)? = said["iss"], case .text(let sub)? = said["sub"], case .map(let cnf)? = said["cnf"],
        case .map(let jwk)? = cnf["jwk"], jwk.count == 4, case .text("EC")? = jwk["kty"], case .text("P-256")? = jwk["crv"],
        case .text(let x)? = jwk["x"], case .text(let y)? = jwk["y"]
    else { throw Fault("key_invalid", "the credential names no P-256 key") }
    guard let own = key.binding else { throw refused("key is not bound to an agent yet") }
    guard iss == "urn:holdfast:fleet:" + hex(own.fleet), sub == "urn:holdfast:agent:" + hex(own.agent)
    else { throw refused("the credential is of another fleet or agent") }
    guard x == base64url(key.sign.dropFirst().prefix(32)), y == base64url(key.sign.suffix(32))
    else { throw refused("the credential is for another key") }
}

/// The proof of the key for one audience and moment.
func proof(_ keys: EnclaveKeys, credential: String, audience: String, nonce: String, harness: Data?, nowMs: Int64) throws -> String {
    let more = harness.map { ",\"harness\":\"\(base64url($0))\"" } ?? ""
    let claims = "{\"iat\":\(nowMs / 1000),\"aud\":\(quoted(audience)),\"nonce\":\(quoted(nonce)),\"sd_hash\":\"\(digest(credential))\"\(more)}"
    return try token(keys, "kb+jwt", claims)
}

/// Hands a credential on to a child, with less. [CUSTODY-32]
func delegation(_ keys: EnclaveKeys, credential: String, _ given: Fields, nowMs: Int64) throws -> String {
    var terms = given
    let (child, key) = (try terms.bytes("child", 16), try terms.bytes("key", 65))
    let capabilities = try terms.texts("capabilities", 0...32, max: 64, capabilityName)
    let audiences = terms.has("audiences") ? try terms.texts("audiences", 1...16, max: 512, printable) : nil
    let grants: [String]? = !terms.has("grants") ? nil : try terms.list("grants", 0...64).map {
        guard case .bytes(let id) = $0, id.count == 16 else { throw Fault("codec_shape", "grants: ids expected") }
        return base64url(id)
    }
    let place = "(?:[a-z0-9_.-]+|\\[[0-9a-f:.]+\\]):[1-9][0-9]{0,4}"
    let hosts = terms.has("hosts") ? try terms.texts("hosts", 0...64, max: 262, place) : nil
    let uses = terms.has("uses") ? try terms.integer("uses", 1...1_000_000) : nil
    let (depth, life) = (try terms.integer("depth", 0...2), try terms.integer("lifeS", 1...3600))
    try terms.end()

    let iat = nowMs / 1000
    guard case .integer(let exp)? = try payload(of: credential)["exp"], iat + life <= exp
    else { throw Fault("delegation_exceeded", "a child lives no longer than its parent") }
    let shown = try credential.split(separator: "~").dropFirst().compactMap { disclosure -> String? in
        guard case .list(let said) = try json(fromBase64url(String(disclosure)), maxBytes: 4096), said.count == 2,
            case .text(let capability) = said[1]
        else { return nil }
        return capability
    }
    guard capabilities.allSatisfy(shown.contains) else { throw Fault("delegation_exceeded", "a child may no more than its parent") }

    let texts = { (all: [String]) in "[" + all.map(quoted).joined(separator: ",") + "]" }
    let jwk = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\(base64url(key.dropFirst().prefix(32)))\",\"y\":\"\(base64url(key.suffix(32)))\"}"
    let claims = [
        "\"iat\":\(iat)", "\"exp\":\(iat + life)", "\"sub\":\"urn:holdfast:child:\(hex(child))\"", "\"cnf\":{\"jwk\":\(jwk)}",
        "\"capabilities\":\(texts(capabilities))", "\"depth\":\(depth)",
        audiences.map { "\"audiences\":\(texts($0))" }, grants.map { "\"grants\":\(texts($0))" },
        hosts.map { "\"hosts\":\(texts($0))" }, uses.map { "\"uses\":\($0)" },
        "\"sd_hash\":\"\(digest(credential))\"",
    ].compactMap { $0 }
    return try token(keys, "kb+sd-jwt", "{" + claims.joined(separator: ",") + "}")
}

private func token(_ keys: EnclaveKeys, _ type: String, _ claims: String) throws -> String {
    let input = base64url(Data("{\"alg\":\"ES256\",\"typ\":\"\(type)\"}".utf8)) + "." + base64url(Data(claims.utf8))
    return input + "." + base64url(try keys.signature(over: Data(input.utf8)))
}

private func payload(of credential: String) throws -> [String: Value] {
    let parts = credential.prefix { $0 != "~" }.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, case .map(let said) = try json(fromBase64url(String(parts[1])), maxBytes: 16 * 1024)
    else { throw Fault("codec_shape", "a compact token expected") }
    return said
}

private func digest(_ text: String) -> String { base64url(Data(SHA256.hash(data: Data(text.utf8)))) }
private func quoted(_ printable: String) -> String {
    "\"" + printable.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"") + "\""
}

func hex(_ bytes: Data) -> String { bytes.map { String(format: "%02x", $0) }.joined() }

func base64url(_ bytes: Data) -> String {
    Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
        .replacingOccurrences(of: "=", with: "")
}

private func fromBase64url(_ text: String) throws -> Data {
    let plain = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
    guard let bytes = Data(base64Encoded: plain + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)), base64url(bytes) == text
    else { throw Fault("codec_shape", "base64url expected") }
    return bytes
}

// MARK: JSON

/// Whole numbers only, no key twice, no escaped surrogates: what is not understood in one way is refused.
private func json(_ input: Data, maxBytes: Int) throws -> Value {
    guard input.count <= maxBytes else { throw Fault("codec_limit", "JSON of more than \(maxBytes) bytes") }
    guard let text = String(validating: input, as: UTF8.self) else { throw Fault("codec_shape", "JSON expected") }
    var reader = JsonReader(rest: text.unicodeScalars[...])
    let value = try reader.value(depth: 1)
    guard reader.next() == nil else { throw Fault("codec_shape", "something stands after the JSON") }
    return value
}

private struct JsonReader {
    var rest: Substring.UnicodeScalarView

    /// The next character that is no white space, not taken.
    mutating func next() -> Unicode.Scalar? {
        rest = rest.drop { " \t\n\r".unicodeScalars.contains($0) }
        return rest.first
    }

    mutating func value(depth: Int) throws -> Value {
        guard depth <= 24 else { throw Fault("codec_limit", "JSON too deep") }
        switch next() {
        case "{"?:
            var fields: [String: Value] = [:]
            try each("{", "}") { reader in
                let key = try reader.string()
                guard reader.took(":"), fields[key] == nil else { throw Fault("codec_shape", "a key stands twice") }
                fields[key] = try reader.value(depth: depth + 1)
            }
            return .map(fields)
        case "["?:
            var all: [Value] = []
            try each("[", "]") { reader in all.append(try reader.value(depth: depth + 1)) }
            return .list(all)
        case "\""?: return .text(try string())
        default:
            let word = String(String.UnicodeScalarView(rest.prefix { !" \t\n\r,]}".unicodeScalars.contains($0) }))
            rest = rest.dropFirst(word.unicodeScalars.count)
            switch word {
            case "true": return .bool(true)
            case "false": return .bool(false)
            case "null": return .null
            default:
                guard word.range(of: "\\A(?:0|[1-9][0-9]{0,15})\\z", options: .regularExpression) != nil, let number = Int64(word),
                    number <= Int64(maxSafeInteger)
                else { throw Fault("codec_shape", "JSON expected") }
                return .integer(number)
            }
        }
    }

    private mutating func took(_ wanted: Unicode.Scalar) -> Bool {
        guard next() == wanted else { return false }
        rest = rest.dropFirst()
        return true
    }

    private mutating func each(_ open: Unicode.Scalar, _ close: Unicode.Scalar, _ read: (inout JsonReader) throws -> Void) throws {
        _ = took(open)
        if took(close) { return }
        repeat { try read(&self) } while took(",")
        guard took(close) else { throw Fault("codec_shape", "JSON expected") }
    }

    private mutating func string() throws -> String {
        guard took("\"") else { throw Fault("codec_shape", "JSON expected") }
        var text = String.UnicodeScalarView()
        while let scalar = rest.popFirst(), scalar.value >= 0x20 {
            if scalar == "\"" { return String(text) }
            text.append(scalar == "\\" ? try escaped() : scalar)
        }
        throw Fault("codec_shape", "JSON expected")
    }

    private mutating func escaped() throws -> Unicode.Scalar {
        let simple: [Unicode.Scalar: Unicode.Scalar] = [
            "\"": "\"", "\\": "\\", "/": "/", "b": "\u{8}", "f": "\u{c}", "n": "\n", "r": "\r", "t": "\t",
        ]
        let kind = rest.popFirst()
        if let kind, let plain = simple[kind] { return plain }
        let digits = String(String.UnicodeScalarView(rest.prefix(4)))
        guard kind == "u", digits.range(of: "\\A[0-9a-fA-F]{4}\\z", options: .regularExpression) != nil,
            let number = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(number)
        else { throw Fault("codec_shape", "JSON expected") }
        rest = rest.dropFirst(4)
        return scalar
    }
}
