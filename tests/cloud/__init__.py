"""The test cloud: AWS for the tests, on loopback, with machines one can log in to.

moto answers the API. What EC2 has and moto lacks is added here, and every
running instance is a real sshd with an address of its own in 127.0.0.0/8.

    server.py     HTTP, kept alive, with the socket at hand for resets
    layer.py      a request's way: admin, faults, clock, moto, log
    wire.py       what a request says, and how an error is written
    admin.py      /_cloud: faults, log, power, machines, settings
    faults.py     calls made to fail, to hang, to lose their answer
    calllog.py    every call, for tests to read
    births.py     every resource there ever was, for tests to count
    settings.py   how long things take
    agenda.py     what is due when
    world.py      all of the above in one object
    account.py    the account in moto's IAM: an admin and an operator
    ec2.py        moto's EC2, with the parts below mixed in
    instances.py  what EC2 answers about instances; states.py how they live
    regions.py    which regions are open, and which can be reached
    attributes.py an instance's attributes
    offerings.py  which instance types a region has
    profiles.py   which instance profile an instance has
    networks.py   networks, and what goes into them
    images.py     images and their snapshots
    volumes.py    volumes, and the keys they are encrypted with
    groups.py     security groups and key pairs
    rules.py      rules of security groups; prefix_lists.py what they may name
    quotas.py     Service Quotas
    ssm.py        Systems Manager: agents on the machines, and what they are told to run
    access.py     refusals as EC2 words them, and permissions moto does not ask for
    expiry.py     access keys that expire
    dryrun.py     DryRun, in the order in which EC2 asks
    ids.py        what an id belongs to, and how EC2 says that it is not there
    filters.py    filters, exact but for wildcards
    tags.py       tags, and lists of what was named
    late.py       ids that are not known at once
    tokens.py     ClientToken
    paging.py     MaxResults and NextToken
    machines.py   an instance's sshd; machine_init.py runs inside it, as its init
    strict.py     moto's settings; quick.py: its slow paths made quick
    tls.py        a CA and a certificate for --tls
    seed.py       a home region for a fleet
    client.py     the cloud as a context manager, for pytest
"""
