-- The ledger as version 1 made it, with work that a worker had begun when it was killed; PROJECT is put in by the test.
BEGIN TRANSACTION;
CREATE TABLE bkdoctor_counter (
	name VARCHAR(128) NOT NULL, 
	labels VARCHAR(255) NOT NULL, 
	value FLOAT NOT NULL, 
	PRIMARY KEY (name, labels)
);
CREATE TABLE bkdoctor_event (
	id VARCHAR(255) NOT NULL, 
	"key" VARCHAR(255) NOT NULL, 
	project_id BIGINT NOT NULL, 
	received_at FLOAT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "bkdoctor_event" VALUES('old-event','PROJECT!3',71,1790000000.0);
CREATE TABLE bkdoctor_hold (
	name VARCHAR(255) NOT NULL, 
	owner VARCHAR(128) NOT NULL, 
	until FLOAT NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE bkdoctor_process (
	id VARCHAR(128) NOT NULL, 
	role VARCHAR(32) NOT NULL, 
	started_at FLOAT NOT NULL, 
	seen_at FLOAT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE bkdoctor_project (
	project_id BIGINT NOT NULL, 
	served_at FLOAT NOT NULL, 
	PRIMARY KEY (project_id)
);
INSERT INTO "bkdoctor_project" VALUES(71,0.0);
CREATE TABLE bkdoctor_record (
	id INTEGER NOT NULL, 
	"key" VARCHAR(255) NOT NULL, 
	event_id VARCHAR(255) NOT NULL, 
	project_id BIGINT NOT NULL, 
	finished_at FLOAT NOT NULL, 
	seconds FLOAT NOT NULL, 
	tries INTEGER NOT NULL, 
	outcome VARCHAR(32) NOT NULL, 
	body TEXT NOT NULL, 
	error TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE bkdoctor_schema (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "bkdoctor_schema" VALUES(1);
CREATE TABLE bkdoctor_work (
	"key" VARCHAR(255) NOT NULL, 
	project_id BIGINT NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	body TEXT NOT NULL, 
	event_id VARCHAR(255) NOT NULL, 
	pipeline_id BIGINT NOT NULL, 
	generation BIGINT NOT NULL, 
	done BIGINT DEFAULT '0' NOT NULL, 
	taken BIGINT DEFAULT '0' NOT NULL, 
	since FLOAT NOT NULL, 
	changed_at FLOAT NOT NULL, 
	not_before FLOAT DEFAULT '0' NOT NULL, 
	failing_since FLOAT DEFAULT '0' NOT NULL, 
	tries INTEGER DEFAULT '0' NOT NULL, 
	crashes INTEGER DEFAULT '0' NOT NULL, 
	owner VARCHAR(128) DEFAULT '' NOT NULL, 
	lease_until FLOAT DEFAULT '0' NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "bkdoctor_work" VALUES('PROJECT!3',71,'task','{"project_id":PROJECT,"pipeline_id":100,"sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ref":"feature","status":"failed","mr_iid":3,"of_another_version":[1]}','old-event',100,2,0,1,1790000000.0,1790000000.0,0.0,0.0,0,0,'a-worker-of-before',1790000060.0);
CREATE INDEX ix_bkdoctor_event_received_at ON bkdoctor_event (received_at);
CREATE INDEX bkdoctor_work_pending ON bkdoctor_work (project_id, since) WHERE generation > done;
CREATE INDEX ix_bkdoctor_project_served_at ON bkdoctor_project (served_at);
CREATE INDEX ix_bkdoctor_record_finished_at ON bkdoctor_record (finished_at);
CREATE INDEX ix_bkdoctor_record_key ON bkdoctor_record ("key");
COMMIT;
