# fleet.sh: for demo and by-hand: a test cloud in $dir, its home region, and a regions.cfg for it.
# Sourced; AWSQ_BUILD and PYTHON are set by make.

cloud=

# Takes the cloud's options.
begin_cloud() {
	ssh-keygen -q -t rsa -b 3072 -m PEM -N '' -C '' -f "$dir/NAVO.pem"
	"$PYTHON" "$here" --dir "$dir/cloud" "$@" >"$dir/cloud.log" 2>&1 &
	cloud=$!
	until [ -f "$dir/cloud/cloud.json" ]; do
		kill -0 "$cloud" 2>/dev/null || { cat "$dir/cloud.log" >&2; exit 1; }
		sleep 0.1
	done
	"$PYTHON" "$here/seed.py" --cloud "$dir/cloud/cloud.json" --name NAVO --home us-west-2 \
		--key "$dir/NAVO.pem" --role AmazonSSMRoleForInstancesQuickSetup >/dev/null
}

# One value of cloud.json.
about() {
	"$PYTHON" -c 'import json, sys; d = json.load(open(sys.argv[1]))
for k in sys.argv[2:]: d = d[k]
print(d)' "$dir/cloud/cloud.json" "$@"
}

environment() {
	unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN AWS_CA_BUNDLE AWSQ_CONFIG || true
	export HOME="$dir" XDG_STATE_HOME="$dir/state" AWS_EC2_METADATA_DISABLED=true
	export PATH="$AWSQ_BUILD:$PATH"
	AWS_ENDPOINT_URL=$(about endpoint)
	AWS_ACCESS_KEY_ID=$(about operator access_key_id)
	AWS_SECRET_ACCESS_KEY=$(about operator secret_access_key)
	export AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
}

regions='us-west-2 us-east-1 sa-east-1 eu-west-3 ap-northeast-1 ap-southeast-2'

end_cloud() {
	[ -z "$cloud" ] || { kill "$cloud"; wait "$cloud"; } 2>/dev/null || true
}

write_config() {
	cat >"$dir/regions.cfg" <<-END
	fleet = {
	  name = "NAVO";
	  home = "us-west-2";
	  instance_type = [ "t3.micro", "t3a.micro", "t2.micro" ];
	  key = "$dir/NAVO.pem";
	  role = "AmazonSSMRoleForInstancesQuickSetup";
	  max_uptime = "2h";
	};
	job = {
	  user = "$(about user)";
	  port = $(about ssh_port);
	  command = "echo looking at the sky from \$AWS_REGION at \$(date -u +%T); sleep 1; echo done";
	  timeout = "30m";
	};
	regions = [ "us-west-2", "us-east-1", "sa-east-1",
	            "eu-west-3", "ap-northeast-1", "ap-southeast-2" ];
	END
}
