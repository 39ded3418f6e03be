"""moto as strict as it can be made, and quick to start. To be imported before any of moto."""

import functools
import os

from botocore.loaders import JSONFileLoader

os.environ.update(
    # No stock images: a fleet's image is one that the test registered.
    MOTO_EC2_LOAD_DEFAULT_AMIS="false",
    MOTO_ENABLE_AMI_VALIDATION="1",
    MOTO_ENABLE_KEYPAIR_VALIDATION="1",
    MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION="1",
    MOTO_DISABLE_GLOBAL_CORS="1",
    MOTO_ALLOW_NONEXISTENT_REGION="false",
)
# moto asks botocore for the list of regions; the caller's own AWS settings
# must have no say in that.
for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE"):
    os.environ.pop(name, None)

# moto makes several sessions as it is imported, and each of them reads
# botocore's list of endpoints, which takes longer than all the rest.
_read = functools.cache(functools.partial(JSONFileLoader.load_file, JSONFileLoader()))
JSONFileLoader.load_file = lambda self, path: _read(path)  # type: ignore[method-assign]
