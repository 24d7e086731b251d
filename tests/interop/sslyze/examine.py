"""Prints the demands of Mozilla's "modern" profile that a TLS server of loopback does not meet, as
a JSON list. A scan that did not complete raises.
"""

import argparse
import json
import pathlib
import sys

from sslyze import (
    CertificateInfoExtraArgument,
    ClientAuthenticationCredentials,
    ScanCommandsExtraArguments,
    Scanner,
    ServerNetworkConfiguration,
    ServerNetworkLocation,
    ServerScanRequest,
)
from sslyze.mozilla_tls_profile.tls_config_checker import (
    SCAN_COMMANDS_NEEDED_BY_MOZILLA_CHECKER,
    MozillaTlsConfiguration,
    ServerNotCompliantWithTlsConfiguration,
    TlsConfigurationEnum,
    check_server_against_tls_configuration,
)

parser = argparse.ArgumentParser()
parser.add_argument("port", type=int)
parser.add_argument("--roots", type=pathlib.Path, help="CAs to trust besides the public ones")
parser.add_argument("--material", type=pathlib.Path, help="a folder with svid.pem and svid.key")
server = parser.parse_args()

arguments = ScanCommandsExtraArguments()
if server.roots:
    roots = CertificateInfoExtraArgument(custom_ca_file=server.roots)
    arguments = ScanCommandsExtraArguments(certificate_info=roots)
credentials = None
if server.material:
    credentials = ClientAuthenticationCredentials(
        certificate_chain_path=server.material / "svid.pem", key_path=server.material / "svid.key"
    )
request = ServerScanRequest(
    ServerNetworkLocation("localhost", server.port, "127.0.0.1"),
    ServerNetworkConfiguration(
        tls_server_name_indication="localhost", tls_client_auth_credentials=credentials
    ),
    SCAN_COMMANDS_NEEDED_BY_MOZILLA_CHECKER,
    arguments,
)
scanner = Scanner()
scanner.queue_scans([request])
issues = []
for result in scanner.get_results():
    modern = MozillaTlsConfiguration.get(TlsConfigurationEnum.MOZILLA_MODERN)
    try:
        check_server_against_tls_configuration(result, modern)
    except ServerNotCompliantWithTlsConfiguration as error:
        issues += sorted(error.issues)
json.dump(issues, sys.stdout)
