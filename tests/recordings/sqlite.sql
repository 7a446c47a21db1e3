PRAGMA application_id = 1397768786;
BEGIN TRANSACTION;
CREATE TABLE blocks (
    host TEXT NOT NULL,
    target TEXT NOT NULL,
    blocked_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (host, target)
);
INSERT INTO "blocks" VALUES('@ada:example.org','@fay:elsewhere.example','@ada:example.org','spam elsewhere',1790000000000);
INSERT INTO "blocks" VALUES('@ada:example.org','@*:spam.example','@ben:example.org','a server of spam',1790000000000);
CREATE TABLE database_owner (key INTEGER PRIMARY KEY, owner TEXT NOT NULL);
INSERT INTO "database_owner" VALUES(0,'spaces-bridge');
CREATE TABLE followers (
    host TEXT NOT NULL,
    follower TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (host, follower)
);
INSERT INTO "followers" VALUES('@ada:example.org','@ben:example.org',1790000000000);
INSERT INTO "followers" VALUES('@ada:example.org','@cleo:example.org',1790000000000);
INSERT INTO "followers" VALUES('@ada:example.org','@ida:example.org',1790000000000);
CREATE TABLE health (
    key INTEGER PRIMARY KEY,
    beat BIGINT NOT NULL
);
CREATE TABLE inbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event_key TEXT NOT NULL UNIQUE,
    event_id TEXT NOT NULL,
    room_id TEXT,
    body TEXT NOT NULL,
    received_at_ms BIGINT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    error TEXT
);
INSERT INTO "inbox" VALUES(1,'$old','$old','!live:example.org','{"type":"m.room.message"}',1790000001000,'pending',NULL);
CREATE TABLE journal (
    space TEXT NOT NULL REFERENCES spaces (space),
    seq BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    source TEXT,
    PRIMARY KEY (space, seq)
);
INSERT INTO "journal" VALUES('3zravdt37ltmfwrr',1,1789913600010,'SpaceCreated','{"space":"3zravdt37ltmfwrr","slug":"yesterday-s-talk-uvqf","title":"Yesterday''s talk","host":"@dan:example.org","host_name":"Dan","at_ms":1789913600010,"private":false,"speak_policy":"request","scheduled_at_ms":null,"levels":{"host":90,"cohost":60,"speaker":10},"max_speakers":10,"language":"auto","captions":true,"community":null,"max_cohosts":2,"queue_order":"arrival"}','$create-past');
INSERT INTO "journal" VALUES('3zravdt37ltmfwrr',2,1790000000030,'RoomAttached','{"room":"!past:example.org"}',NULL);
INSERT INTO "journal" VALUES('3zravdt37ltmfwrr',3,1790000000040,'LevelChanged','{"user":"@dan:example.org","level":90,"role":3}',NULL);
INSERT INTO "journal" VALUES('3zravdt37ltmfwrr',4,1790000000040,'PersonJoined','{"user":"@dan:example.org","name":"Dan"}',NULL);
INSERT INTO "journal" VALUES('3zravdt37ltmfwrr',5,1790000000040,'PersonJoined','{"user":"@eve:elsewhere.example","name":"Eve"}',NULL);
INSERT INTO "journal" VALUES('3zravdt37ltmfwrr',6,1790000000050,'SpaceStarted','{"by":"@dan:example.org","at_ms":1789913660000}',NULL);
INSERT INTO "journal" VALUES('3zravdt37ltmfwrr',7,1790000000070,'MicrophoneOpened','{"user":"@dan:example.org"}',NULL);
INSERT INTO "journal" VALUES('3zravdt37ltmfwrr',8,1790000000080,'UtteranceCaptioned','{"utterance":"past-1","speaker":"@dan:example.org","name":"Dan","start_ms":500,"end_ms":2000,"text":"That was yesterday.","language":"en"}',NULL);
INSERT INTO "journal" VALUES('3zravdt37ltmfwrr',9,1790000000090,'RoleAppointed','{"user":"@eve:elsewhere.example","role":3,"by":"@dan:example.org"}',NULL);
INSERT INTO "journal" VALUES('3zravdt37ltmfwrr',10,1790000000100,'LevelChanged','{"user":"@eve:elsewhere.example","level":90,"role":3}',NULL);
INSERT INTO "journal" VALUES('3zravdt37ltmfwrr',11,1790000000100,'HostChanged','{"user":"@eve:elsewhere.example","before":"@dan:example.org"}',NULL);
INSERT INTO "journal" VALUES('3zravdt37ltmfwrr',12,1790000000100,'RoleAppointed','{"user":"@dan:example.org","role":2,"by":null}',NULL);
INSERT INTO "journal" VALUES('3zravdt37ltmfwrr',13,1790000000110,'LevelChanged','{"user":"@dan:example.org","level":60,"role":2}',NULL);
INSERT INTO "journal" VALUES('3zravdt37ltmfwrr',14,1790000000120,'PersonRemoved','{"user":"@fay:elsewhere.example","by":"@eve:elsewhere.example","reason":"noise","blocked":false,"in_force":false}',NULL);
INSERT INTO "journal" VALUES('3zravdt37ltmfwrr',15,1790000000130,'MicrophoneClosed','{"user":"@dan:example.org","why":"space_ended"}',NULL);
INSERT INTO "journal" VALUES('3zravdt37ltmfwrr',16,1790000000130,'SpaceEnded','{"by":"@eve:elsewhere.example","at_ms":1789917200000,"reason":""}',NULL);
INSERT INTO "journal" VALUES('sd3l6rsmiukrftgq',1,1790000000140,'SpaceCreated','{"space":"sd3l6rsmiukrftgq","slug":"next-week-s-talk-7dft","title":"Next week''s talk","host":"@ada:example.org","host_name":"Ada","at_ms":1790000000140,"private":false,"speak_policy":"followed","scheduled_at_ms":1790604800000,"levels":{"host":90,"cohost":60,"speaker":10},"max_speakers":10,"language":"auto","captions":true,"community":"!community:example.org","max_cohosts":2,"queue_order":"arrival"}','$create-later');
INSERT INTO "journal" VALUES('sd3l6rsmiukrftgq',2,1790000000170,'RoomAttached','{"room":"!later:example.org"}',NULL);
INSERT INTO "journal" VALUES('sd3l6rsmiukrftgq',3,1790000000180,'LevelChanged','{"user":"@ada:example.org","level":90,"role":3}',NULL);
INSERT INTO "journal" VALUES('sd3l6rsmiukrftgq',4,1790000000180,'PersonJoined','{"user":"@ada:example.org","name":"Ada"}',NULL);
INSERT INTO "journal" VALUES('sd3l6rsmiukrftgq',5,1790000000190,'ReminderWanted','{"user":"@ben:example.org"}','$reminder-ben');
INSERT INTO "journal" VALUES('sd3l6rsmiukrftgq',6,1790000000200,'ReminderWanted','{"user":"@cleo:example.org"}','$reminder-cleo');
INSERT INTO "journal" VALUES('sd3l6rsmiukrftgq',7,1790000000210,'ReminderDropped','{"user":"@cleo:example.org"}',NULL);
INSERT INTO "journal" VALUES('sd3l6rsmiukrftgq',8,1790000000220,'SpaceRescheduled','{"scheduled_at_ms":1790691200000,"at_ms":1790000000160}','$reschedule');
INSERT INTO "journal" VALUES('sd3l6rsmiukrftgq',9,1790000000230,'ReminderDue','{"kind":"day"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',1,1790000000240,'SpaceCreated','{"space":"qsvfvlwi4dim6vjr","slug":"an-evening-talk-g5gc","title":"An evening talk","host":"@ada:example.org","host_name":"Ada","at_ms":1790000000240,"private":false,"speak_policy":"request","scheduled_at_ms":null,"levels":{"host":90,"cohost":60,"speaker":10},"max_speakers":4,"language":"en","captions":true,"community":"!community:example.org","max_cohosts":2,"queue_order":"arrival"}','$create-live');
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',2,1790000000260,'RoomAttached','{"room":"!live:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',3,1790000000270,'LevelChanged','{"user":"@ada:example.org","level":90,"role":3}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',4,1790000000270,'PersonJoined','{"user":"@ada:example.org","name":"Ada"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',5,1790000000270,'PersonJoined','{"user":"@ben:example.org","name":"Ben"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',6,1790000000270,'PersonJoined','{"user":"@cleo:example.org","name":"Cleo"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',7,1790000000280,'SpaceRetitled','{"title":"An evening talk about bridges"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',8,1790000000290,'SpaceStarted','{"by":"@ada:example.org","at_ms":1790000001000}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',9,1790000000310,'SpeakPolicyChanged','{"policy":"everyone"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',10,1790000000320,'SpeakPolicyChanged','{"policy":"request"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',11,1790000000330,'CaptionsSwitched','{"on":true,"language":"de"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',12,1790000000340,'MicrophoneOpened','{"user":"@ada:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',13,1790000000350,'MicrophoneClosed','{"user":"@ada:example.org","why":"own"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',14,1790000000360,'HostLeftPage','{"user":"@ada:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',15,1790000000370,'HostMissed','{"at_ms":1790000010000}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',16,1790000000380,'HostReturned','{"user":"@ada:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',17,1790000000390,'MicrophoneOpened','{"user":"@ada:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',18,1790000000400,'SpeakRequested','{"user":"@ben:example.org","at_ms":1790000020000,"name":"","guest":false,"reaction":"$hand-ben","promised":false}','$hand-ben');
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',19,1790000000410,'SpeakerApproved','{"user":"@ben:example.org","by":"@ada:example.org","reaction":"$hand-ben","at_ms":0}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',20,1790000000420,'GrantRefused','{"user":"@ben:example.org","reason":"M_FORBIDDEN"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',21,1790000000430,'SpeakerApproved','{"user":"@ben:example.org","by":"@ada:example.org","reaction":"$hand-ben","at_ms":0}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',22,1790000000440,'LevelChanged','{"user":"@ben:example.org","level":10,"role":1}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',23,1790000000450,'MicrophoneOpened','{"user":"@ben:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',24,1790000000460,'MicrophoneClosed','{"user":"@ben:example.org","why":"muted"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',25,1790000000460,'SpeakerMuted','{"user":"@ben:example.org","by":"@ada:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',26,1790000000470,'SpeakerUnmuted','{"user":"@ben:example.org","by":"@ada:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',27,1790000000480,'MicrophoneOpened','{"user":"@ben:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',28,1790000000490,'MicrophoneClosed','{"user":"@ben:example.org","why":"suspected"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',29,1790000000490,'FloorDoubted','{"user":"@ben:example.org","doubt":"level"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',30,1790000000500,'FloorLookedInto','{"user":"@ben:example.org","doubt":"level"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',31,1790000000510,'MicrophoneOpened','{"user":"@ben:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',32,1790000000520,'RoleAppointed','{"user":"@ben:example.org","role":2,"by":"@ada:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',33,1790000000530,'LevelChanged','{"user":"@ben:example.org","level":60,"role":2}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',34,1790000000540,'RoleAppointed','{"user":"@cleo:example.org","role":2,"by":"@ada:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',35,1790000000550,'AppointmentEnded','{"user":"@cleo:example.org","reason":"cancelled"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',36,1790000000560,'SpeakerInvited','{"user":"@cleo:example.org","by":"@ada:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',37,1790000000570,'SpeakInvitationDeclined','{"user":"@cleo:example.org","by":"@ada:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',38,1790000000580,'SpeakerInvited','{"user":"@cleo:example.org","by":"@ada:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',39,1790000000590,'PersonJoined','{"user":"@dan:example.org","name":"Dan"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',40,1790000000600,'SpeakRequested','{"user":"@dan:example.org","at_ms":1790000060000,"name":"","guest":false,"reaction":"$hand-dan-2","promised":false}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',41,1790000000610,'SpeakerDenied','{"user":"@dan:example.org","by":"@ada:example.org","reaction":"$hand-dan-2"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',42,1790000000620,'SpeakRequested','{"user":"@dan:example.org","at_ms":1790000090000,"name":"","guest":false,"reaction":"$hand-dan-3","promised":false}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',43,1790000000630,'QueueCleared','{"by":"@ada:example.org","users":["@dan:example.org"],"reactions":["$hand-dan-3"]}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',44,1790000000640,'SpeakRequested','{"user":"@dan:example.org","at_ms":1790000120000,"name":"","guest":false,"reaction":"$hand-dan-4","promised":false}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',45,1790000000650,'SpeakRequestWithdrawn','{"user":"@dan:example.org","reaction":"$hand-dan-4"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',46,1790000000660,'QueueReordered','{"order":"airtime"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',47,1790000000670,'SpeakRequested','{"user":"@spaces_0123456789abcdef:example.org","at_ms":1790000150000,"name":"Gwen","guest":true,"reaction":null,"promised":false}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',48,1790000000680,'SpeakerApproved','{"user":"@spaces_0123456789abcdef:example.org","by":"@ada:example.org","reaction":null,"at_ms":0}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',49,1790000000690,'PersonJoined','{"user":"@spaces_0123456789abcdef:example.org","name":"Gwen"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',50,1790000000700,'LevelChanged','{"user":"@spaces_0123456789abcdef:example.org","level":10,"role":1}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',51,1790000000710,'FloorClosing','{"user":"@spaces_0123456789abcdef:example.org","by":"@ada:example.org","end":"revoked"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',52,1790000000720,'LevelChanged','{"user":"@spaces_0123456789abcdef:example.org","level":null,"role":0}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',53,1790000000730,'PersonJoined','{"user":"@eve:elsewhere.example","name":"Eve"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',54,1790000000740,'LevelOverruled','{"user":"@eve:elsewhere.example","seen":90,"kept":null,"by":"@ben:example.org","why":"there is one host; `host USER` hands over"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',55,1790000000750,'PersonRemoved','{"user":"@eve:elsewhere.example","by":"@ada:example.org","reason":"spam","blocked":false,"in_force":false}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',56,1790000000760,'PersonLeft','{"user":"@eve:elsewhere.example"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',57,1790000000760,'RemovalInForce','{"user":"@eve:elsewhere.example"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',58,1790000000770,'PersonRemoved','{"user":"@fay:elsewhere.example","by":"@ada:example.org","reason":"spam elsewhere","blocked":true,"in_force":false}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',59,1790000000780,'PersonReadmitted','{"user":"@fay:elsewhere.example","by":"@ada:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',60,1790000000790,'PersonJoined','{"user":"@hal:example.org","name":"Hal"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',61,1790000000800,'LevelChanged','{"user":"@eve:elsewhere.example","level":null,"role":0}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',62,1790000000800,'LevelChanged','{"user":"@hal:example.org","level":10,"role":1}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',63,1790000000810,'PersonLeft','{"user":"@hal:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',64,1790000000810,'LevelForfeited','{"user":"@hal:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',65,1790000000820,'SpaceLocked','{"by":"@ada:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',66,1790000000830,'SpaceUnlocked','{"by":"@ada:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',67,1790000000840,'ChatSwitched','{"on":false}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',68,1790000000850,'ChatSwitched','{"on":true}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',69,1790000000860,'GuestsLimited','{"policy":"listen"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',70,1790000000870,'GuestsLimited','{"policy":"speak"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',71,1790000000880,'PersonInvited','{"user":"@ida:example.org","by":"@ada:example.org"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',72,1790000000890,'UtteranceCaptioned','{"utterance":"live-1","speaker":"@ben:example.org","name":"Ben","start_ms":3000,"end_ms":4500,"text":"Guten Abend.","language":"de"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',73,1790000000900,'UtteranceCaptioned','{"utterance":"live-2","speaker":"@ben:example.org","name":"Ben","start_ms":6000,"end_ms":7500,"text":"Heute geht es um Brücken.","language":"de"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',74,1790000000910,'UtteranceCaptioned','{"utterance":"live-3","speaker":"@ben:example.org","name":"Ben","start_ms":9000,"end_ms":10500,"text":"Und um 👏.","language":"de"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',75,1790000000920,'Reacted','{"user":"@dan:example.org","emoji":"👏","annotation":"$clap-dan"}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',76,1790000000930,'Reacted','{"user":"@dan:example.org","emoji":"🎉","annotation":null}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',77,1790000000940,'ReactionsCounted','{"counts":{"🎉":1,"👏":3}}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',78,1790000000950,'PostShared','{"number":1,"url":"https://example.org/slides","event":null,"by":"@ada:example.org","name":"Ada","at_ms":1790000200000}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',79,1790000000960,'PostShared','{"number":2,"url":"https://example.org/poll","event":"$poll","by":"@ben:example.org","name":"Ben","at_ms":1790000210000}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',80,1790000000970,'SpeakRequested','{"user":"@dan:example.org","at_ms":1790000400000,"name":"","guest":false,"reaction":"$hand-dan-9","promised":false}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',81,1790000000980,'SpeakRequested','{"user":"@spaces_0123456789abcdef:example.org","at_ms":1790000410000,"name":"Gwen","guest":true,"reaction":null,"promised":false}',NULL);
INSERT INTO "journal" VALUES('qsvfvlwi4dim6vjr',82,1790000000990,'SpeakerApproved','{"user":"@spaces_0123456789abcdef:example.org","by":"@ben:example.org","reaction":null,"at_ms":0}',NULL);
CREATE TABLE notes (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
, at_ms BIGINT NOT NULL DEFAULT 0);
INSERT INTO "notes" VALUES('dm:@dan:example.org','!dm-dan:example.org',1790000001520);
INSERT INTO "notes" VALUES('direct:!dm-dan:example.org','@dan:example.org',1790000001530);
INSERT INTO "notes" VALUES('invited-last:@ida:example.org','{"space": "qsvfvlwi4dim6vjr", "user": "@ida:example.org", "by": "@ada:example.org", "host": "@ada:example.org"}',1790000001540);
INSERT INTO "notes" VALUES('invitation:$invitation','{"space": "qsvfvlwi4dim6vjr", "user": "@ida:example.org", "by": "@ada:example.org", "host": "@ada:example.org"}',1790000001550);
INSERT INTO "notes" VALUES('offer:$offer','{"space": "qsvfvlwi4dim6vjr", "user": "@cleo:example.org"}',1790000001560);
INSERT INTO "notes" VALUES('prompt:$prompt','["qsvfvlwi4dim6vjr", "@dan:example.org"]',1790000001570);
INSERT INTO "notes" VALUES('tap:$tap','{"key": "\ud83d\udd15", "space": "qsvfvlwi4dim6vjr", "user": "@ida:example.org", "message": "$invitation", "hosts": ["@ada:example.org"]}',1790000001580);
INSERT INTO "notes" VALUES('tap:$tap-taken-back','null',1790000001590);
INSERT INTO "notes" VALUES('asked:qsvfvlwi4dim6vjr:@ada:example.org:@dan:example.org','1790000400000 qsvfvlwi4dim6vjr:99:0',1790000001600);
INSERT INTO "notes" VALUES('invited:qsvfvlwi4dim6vjr:@ada:example.org:@ida:example.org','live|qsvfvlwi4dim6vjr:98:0',1790000001610);
INSERT INTO "notes" VALUES('asked-in:@ada:example.org:@ida:example.org','qsvfvlwi4dim6vjr',1790000001620);
INSERT INTO "notes" VALUES('strangers:@ada:example.org','[20717, ["@ida:example.org"]]',1790000001630);
INSERT INTO "notes" VALUES('invited-by:@ada:example.org','[20717, ["qsvfvlwi4dim6vjr:98:0"]]',1790000001640);
INSERT INTO "notes" VALUES('invited-to:@ida:example.org','[20717, ["qsvfvlwi4dim6vjr:98:0"]]',1790000001650);
INSERT INTO "notes" VALUES('uninvited:qsvfvlwi4dim6vjr:@ada:example.org','{"@hal:example.org": true, "@fay:elsewhere.example": false}',1790000001660);
INSERT INTO "notes" VALUES('uninvited:3zravdt37ltmfwrr:@dan:example.org','{}',1790000001670);
INSERT INTO "notes" VALUES('followers-invited:qsvfvlwi4dim6vjr:@ben:example.org','$invite-followers',1790000001680);
INSERT INTO "notes" VALUES('levels-before:!live:example.org','$levels-before qsvfvlwi4dim6vjr:97:0',1790000001690);
INSERT INTO "notes" VALUES('read-back-from','1789996400000',1790000001700);
INSERT INTO "notes" VALUES('card-tap:$follow','["follow", "@ida:example.org", "@ada:example.org"]',1790000001710);
INSERT INTO "notes" VALUES('card-tap:$remind','["remind", "@ben:example.org", "sd3l6rsmiukrftgq"]',1790000001720);
INSERT INTO "notes" VALUES('card:qsvfvlwi4dim6vjr','$card',1790000001730);
INSERT INTO "notes" VALUES('card-shown:qsvfvlwi4dim6vjr','{"frame": "0123456789abcdef", "whole": "fedcba9876543210", "at_ms": 1790000000000, "edits": 3}',1790000001740);
INSERT INTO "notes" VALUES('card-dressed:qsvfvlwi4dim6vjr','yes',1790000001750);
INSERT INTO "notes" VALUES('bubble:qsvfvlwi4dim6vjr','$bubble',1790000001760);
INSERT INTO "notes" VALUES('bubble-shown:qsvfvlwi4dim6vjr','{"frame": "0123456789abcdef", "whole": "fedcba9876543210", "at_ms": 1790000000000, "edits": 1}',1790000001770);
INSERT INTO "notes" VALUES('bubble-dressed:qsvfvlwi4dim6vjr','yes',1790000001780);
INSERT INTO "notes" VALUES('bubble-seed:sd3l6rsmiukrftgq:✅','$bubble-seed',1790000001790);
INSERT INTO "notes" VALUES('bubble-seed:qsvfvlwi4dim6vjr:✅','',1790000001800);
INSERT INTO "notes" VALUES('bubble-of:$bubble','qsvfvlwi4dim6vjr',1790000001810);
INSERT INTO "notes" VALUES('bubble-off:3zravdt37ltmfwrr','redacted',1790000001820);
INSERT INTO "notes" VALUES('picture:00112233445566778899aabbccddeeff','mxc://example.org/picture',1790000001830);
INSERT INTO "notes" VALUES('post:qsvfvlwi4dim6vjr:1','$post-1',1790000001840);
INSERT INTO "notes" VALUES('signboard:qsvfvlwi4dim6vjr','{"m.room.name": "0011223344556677", "m.room.topic": "8899aabbccddeeff"}',1790000001850);
INSERT INTO "notes" VALUES('caption:qsvfvlwi4dim6vjr','$caption-1',1790000001860);
INSERT INTO "notes" VALUES('said-lock:qsvfvlwi4dim6vjr','False qsvfvlwi4dim6vjr:96:0',1790000001870);
INSERT INTO "notes" VALUES('reworded:$first','$edit',1790000001880);
INSERT INTO "notes" VALUES('which:$command','qsvfvlwi4dim6vjr',1790000001890);
INSERT INTO "notes" VALUES('whom:$command','@dan:example.org is loud',1790000001900);
INSERT INTO "notes" VALUES('unblocked:$command','@fay:elsewhere.example',1790000001910);
INSERT INTO "notes" VALUES('reports:@ben:example.org','{"$report": 1790000000000}',1790000001920);
INSERT INTO "notes" VALUES('told-of-cipher:!cipher:example.org','!dm-dan:example.org',1790000001930);
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    queue TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    due_at_ms BIGINT NOT NULL,
    collapse BOOLEAN NOT NULL,
    generation BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'pending',
    result TEXT,
    absorbed_by TEXT,
    error TEXT,
    finished_at_ms BIGINT
);
INSERT INTO "outbox" VALUES(1,'room:3zravdt37ltmfwrr','3zravdt37ltmfwrr|urgent','MakeRoom','{}',0,0,0,0,'done','$done-1',NULL,NULL,1790000001010);
INSERT INTO "outbox" VALUES(2,'arrangement:3zravdt37ltmfwrr','3zravdt37ltmfwrr|arrangement|urgent','ArrangeRoom','{}',0,1,1,0,'idle',NULL,NULL,NULL,1790000001020);
INSERT INTO "outbox" VALUES(3,'state:3zravdt37ltmfwrr','3zravdt37ltmfwrr|state','PublishState','{}',0,1,5,0,'idle',NULL,NULL,NULL,1790000001030);
INSERT INTO "outbox" VALUES(4,'listing:3zravdt37ltmfwrr','directory|listing','ListSpace','{}',0,1,2,0,'idle',NULL,NULL,NULL,1790000001040);
INSERT INTO "outbox" VALUES(5,'card:3zravdt37ltmfwrr','3zravdt37ltmfwrr|card','RefreshCard','{}',0,1,8,0,'idle',NULL,NULL,NULL,1790000001050);
INSERT INTO "outbox" VALUES(8,'3zravdt37ltmfwrr:6:0','3zravdt37ltmfwrr|announcements','AnnounceLive','{}',0,0,0,0,'done','$done-8',NULL,NULL,1790000001060);
INSERT INTO "outbox" VALUES(13,'3zravdt37ltmfwrr:8:0','3zravdt37ltmfwrr|captions','PostCaption','{}',0,0,0,0,'done','$done-13',NULL,NULL,1790000001070);
INSERT INTO "outbox" VALUES(14,'3zravdt37ltmfwrr:9:0','3zravdt37ltmfwrr|urgent','WriteLevel','{}',0,0,0,0,'done','$done-14',NULL,NULL,1790000001080);
INSERT INTO "outbox" VALUES(18,'3zravdt37ltmfwrr:11:0','3zravdt37ltmfwrr|timeline','Announce','{}',0,0,0,0,'done','$done-18',NULL,NULL,1790000001090);
INSERT INTO "outbox" VALUES(19,'3zravdt37ltmfwrr:11:1','dm|@eve:elsewhere.example','TellUser','{"user":"@eve:elsewhere.example","text":"You host “Yesterday''s talk” now: everything is in your hands, also `end`."}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(20,'3zravdt37ltmfwrr:12:0','3zravdt37ltmfwrr|urgent','WriteLevel','{}',0,0,0,0,'done','$done-20',NULL,NULL,1790000001100);
INSERT INTO "outbox" VALUES(23,'3zravdt37ltmfwrr:14:0','3zravdt37ltmfwrr|door|urgent','BanPerson','{}',0,0,0,0,'done','$done-23',NULL,NULL,1790000001110);
INSERT INTO "outbox" VALUES(26,'3zravdt37ltmfwrr:16:0','3zravdt37ltmfwrr|unbans','UnbanPerson','{}',0,0,0,0,'done','$done-26',NULL,NULL,1790000001120);
INSERT INTO "outbox" VALUES(30,'room:sd3l6rsmiukrftgq','sd3l6rsmiukrftgq|urgent','MakeRoom','{}',0,0,0,0,'done','!later:example.org',NULL,NULL,1790000001140);
INSERT INTO "outbox" VALUES(31,'arrangement:sd3l6rsmiukrftgq','sd3l6rsmiukrftgq|arrangement|urgent','ArrangeRoom','{"space":"sd3l6rsmiukrftgq"}',0,1,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(32,'state:sd3l6rsmiukrftgq','sd3l6rsmiukrftgq|state','PublishState','{"space":"sd3l6rsmiukrftgq"}',0,1,2,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(33,'listing:sd3l6rsmiukrftgq','directory|listing','ListSpace','{}',0,1,1,0,'idle',NULL,NULL,NULL,1790000001490);
INSERT INTO "outbox" VALUES(34,'bubble:sd3l6rsmiukrftgq','sd3l6rsmiukrftgq|bubble','RefreshBubble','{"space":"sd3l6rsmiukrftgq"}',0,1,2,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(35,'card:sd3l6rsmiukrftgq','sd3l6rsmiukrftgq|card','RefreshCard','{"space":"sd3l6rsmiukrftgq"}',0,1,2,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(39,'sd3l6rsmiukrftgq:8:0','dm|@ben:example.org','TellUser','{"user":"@ben:example.org","text":"“Next week''s talk” has a new time: Tue 29 September 2026, 14:13 UTC."}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(44,'sd3l6rsmiukrftgq:9:0','dm|@ada:example.org|invitations','RemindPerson','{"space":"sd3l6rsmiukrftgq","user":"@ada:example.org","kind":"day"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(45,'sd3l6rsmiukrftgq:9:1','dm|@ben:example.org|invitations','RemindPerson','{"space":"sd3l6rsmiukrftgq","user":"@ben:example.org","kind":"day"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(46,'room:qsvfvlwi4dim6vjr','qsvfvlwi4dim6vjr|urgent','MakeRoom','{}',0,0,0,0,'done','!live:example.org',NULL,NULL,1790000001130);
INSERT INTO "outbox" VALUES(47,'arrangement:qsvfvlwi4dim6vjr','qsvfvlwi4dim6vjr|arrangement|urgent','ArrangeRoom','{"space":"qsvfvlwi4dim6vjr"}',0,1,4,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(48,'state:qsvfvlwi4dim6vjr','qsvfvlwi4dim6vjr|state','PublishState','{"space":"qsvfvlwi4dim6vjr"}',0,1,11,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(49,'listing:qsvfvlwi4dim6vjr','directory|listing','ListSpace','{"space":"qsvfvlwi4dim6vjr"}',0,1,2,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(50,'bubble:qsvfvlwi4dim6vjr','qsvfvlwi4dim6vjr|bubble','RefreshBubble','{"space":"qsvfvlwi4dim6vjr"}',0,1,14,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(51,'card:qsvfvlwi4dim6vjr','qsvfvlwi4dim6vjr|card','RefreshCard','{"space":"qsvfvlwi4dim6vjr"}',0,1,64,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(59,'qsvfvlwi4dim6vjr:8:0','qsvfvlwi4dim6vjr|announcements','AnnounceLive','{"space":"qsvfvlwi4dim6vjr"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(72,'qsvfvlwi4dim6vjr:15:0','qsvfvlwi4dim6vjr|timeline','Announce','{"space":"qsvfvlwi4dim6vjr","text":"Ada seems to be gone. Unless they come back soon, the live space ends.","locked":null}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(73,'qsvfvlwi4dim6vjr:15:1','dm|@ada:example.org','TellUser','{"user":"@ada:example.org","text":"You are missed in “An evening talk about bridges”. Come back to the page or write something in its room; else the live space ends."}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(75,'qsvfvlwi4dim6vjr:16:0','qsvfvlwi4dim6vjr|timeline','Announce','{"space":"qsvfvlwi4dim6vjr","text":"Ada is back.","locked":null}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(78,'qsvfvlwi4dim6vjr:18:0','dm|@ada:example.org','PromptModerator','{"space":"qsvfvlwi4dim6vjr","moderator":"@ada:example.org","user":"@ben:example.org","guest":false}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(80,'qsvfvlwi4dim6vjr:19:0','qsvfvlwi4dim6vjr|urgent','WriteLevel','{"space":"qsvfvlwi4dim6vjr","user":"@ben:example.org","level":10}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(81,'qsvfvlwi4dim6vjr:19:1','qsvfvlwi4dim6vjr|hands','RedactEvent','{"space":"qsvfvlwi4dim6vjr","event":"$hand-ben","expired":false,"crowd":false}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(83,'qsvfvlwi4dim6vjr:20:0','dm|@ada:example.org','TellUser','{"user":"@ada:example.org","text":"The homeserver refused to give @ben:example.org the floor in “An evening talk about bridges” (M_FORBIDDEN). Their hand is up again; approve once more to retry."}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(85,'qsvfvlwi4dim6vjr:21:0','qsvfvlwi4dim6vjr|urgent','WriteLevel','{"space":"qsvfvlwi4dim6vjr","user":"@ben:example.org","level":10}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(86,'qsvfvlwi4dim6vjr:21:1','qsvfvlwi4dim6vjr|hands','RedactEvent','{"space":"qsvfvlwi4dim6vjr","event":"$hand-ben","expired":false,"crowd":false}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(88,'qsvfvlwi4dim6vjr:22:0','dm|@ben:example.org','OfferFloor','{"space":"qsvfvlwi4dim6vjr","user":"@ben:example.org"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(94,'qsvfvlwi4dim6vjr:25:0','dm|@ben:example.org','TellUser','{"user":"@ben:example.org","text":"A host has muted you in “An evening talk about bridges”. Raise your hand to ask to go on."}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(95,'qsvfvlwi4dim6vjr:26:0','dm|@ben:example.org','TellUser','{"user":"@ben:example.org","text":"You may switch your microphone on again in “An evening talk about bridges”."}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(100,'qsvfvlwi4dim6vjr:32:0','qsvfvlwi4dim6vjr|urgent','WriteLevel','{"space":"qsvfvlwi4dim6vjr","user":"@ben:example.org","level":60}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(102,'qsvfvlwi4dim6vjr:33:0','dm|@ben:example.org','TellUser','{"user":"@ben:example.org","text":"You are a co-host of “An evening talk about bridges”: you may approve, invite to speak, mute, remove, block and pin. `help` lists how."}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(106,'qsvfvlwi4dim6vjr:34:0','qsvfvlwi4dim6vjr|urgent','WriteLevel','{"space":"qsvfvlwi4dim6vjr","user":"@cleo:example.org","level":60}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(108,'qsvfvlwi4dim6vjr:35:0','qsvfvlwi4dim6vjr|urgent','WriteLevel','{"space":"qsvfvlwi4dim6vjr","user":"@cleo:example.org","level":null}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(110,'qsvfvlwi4dim6vjr:36:0','dm|@cleo:example.org','OfferToSpeak','{"space":"qsvfvlwi4dim6vjr","user":"@cleo:example.org","by":"@ada:example.org"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(112,'qsvfvlwi4dim6vjr:37:0','dm|@ada:example.org','TellUser','{"user":"@ada:example.org","text":"Cleo does not want to speak in “An evening talk about bridges” now."}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(114,'qsvfvlwi4dim6vjr:38:0','dm|@cleo:example.org','OfferToSpeak','{"space":"qsvfvlwi4dim6vjr","user":"@cleo:example.org","by":"@ada:example.org"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(118,'qsvfvlwi4dim6vjr:40:0','dm|@ada:example.org','PromptModerator','{"space":"qsvfvlwi4dim6vjr","moderator":"@ada:example.org","user":"@dan:example.org","guest":false}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(119,'qsvfvlwi4dim6vjr:40:1','dm|@ben:example.org','PromptModerator','{"space":"qsvfvlwi4dim6vjr","moderator":"@ben:example.org","user":"@dan:example.org","guest":false}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(121,'qsvfvlwi4dim6vjr:41:0','qsvfvlwi4dim6vjr|hands','RedactEvent','{"space":"qsvfvlwi4dim6vjr","event":"$hand-dan-2","expired":false,"crowd":false}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(122,'qsvfvlwi4dim6vjr:41:1','dm|@dan:example.org','TellUser','{"user":"@dan:example.org","text":"Your request to speak in “An evening talk about bridges” was declined."}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(124,'qsvfvlwi4dim6vjr:42:0','dm|@ada:example.org','PromptModerator','{"space":"qsvfvlwi4dim6vjr","moderator":"@ada:example.org","user":"@dan:example.org","guest":false}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(125,'qsvfvlwi4dim6vjr:42:1','dm|@ben:example.org','PromptModerator','{"space":"qsvfvlwi4dim6vjr","moderator":"@ben:example.org","user":"@dan:example.org","guest":false}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(127,'qsvfvlwi4dim6vjr:43:0','qsvfvlwi4dim6vjr|crowd','RedactEvent','{"space":"qsvfvlwi4dim6vjr","event":"$hand-dan-3","expired":false,"crowd":true}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(129,'qsvfvlwi4dim6vjr:44:0','dm|@ada:example.org','PromptModerator','{"space":"qsvfvlwi4dim6vjr","moderator":"@ada:example.org","user":"@dan:example.org","guest":false}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(130,'qsvfvlwi4dim6vjr:44:1','dm|@ben:example.org','PromptModerator','{"space":"qsvfvlwi4dim6vjr","moderator":"@ben:example.org","user":"@dan:example.org","guest":false}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(132,'qsvfvlwi4dim6vjr:45:0','qsvfvlwi4dim6vjr|crowd','RedactEvent','{"space":"qsvfvlwi4dim6vjr","event":"$hand-dan-4","expired":false,"crowd":true}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(135,'qsvfvlwi4dim6vjr:47:0','dm|@ada:example.org','PromptModerator','{"space":"qsvfvlwi4dim6vjr","moderator":"@ada:example.org","user":"@spaces_0123456789abcdef:example.org","guest":true}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(136,'qsvfvlwi4dim6vjr:47:1','dm|@ben:example.org','PromptModerator','{"space":"qsvfvlwi4dim6vjr","moderator":"@ben:example.org","user":"@spaces_0123456789abcdef:example.org","guest":true}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(138,'qsvfvlwi4dim6vjr:48:0','qsvfvlwi4dim6vjr|urgent','SeatGuest','{"space":"qsvfvlwi4dim6vjr","user":"@spaces_0123456789abcdef:example.org","name":"Gwen"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(139,'qsvfvlwi4dim6vjr:48:1','qsvfvlwi4dim6vjr|urgent','WriteLevel','{"space":"qsvfvlwi4dim6vjr","user":"@spaces_0123456789abcdef:example.org","level":10}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(146,'qsvfvlwi4dim6vjr:51:0','qsvfvlwi4dim6vjr|urgent','WriteLevel','{"space":"qsvfvlwi4dim6vjr","user":"@spaces_0123456789abcdef:example.org","level":null}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(147,'qsvfvlwi4dim6vjr:51:1','qsvfvlwi4dim6vjr|urgent','UnseatGuest','{"space":"qsvfvlwi4dim6vjr","user":"@spaces_0123456789abcdef:example.org"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(154,'qsvfvlwi4dim6vjr:54:0','qsvfvlwi4dim6vjr|urgent','WriteLevel','{"space":"qsvfvlwi4dim6vjr","user":"@eve:elsewhere.example","level":null}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(155,'qsvfvlwi4dim6vjr:54:1','dm|@ben:example.org','TellUser','{"user":"@ben:example.org","text":"I put the level of Eve in “An evening talk about bridges” back: there is one host; `host USER` hands over."}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(157,'qsvfvlwi4dim6vjr:55:0','qsvfvlwi4dim6vjr|door|urgent','BanPerson','{"space":"qsvfvlwi4dim6vjr","user":"@eve:elsewhere.example","reason":"spam"}',1790000060000,0,0,1,'pending',NULL,NULL,'429 M_LIMIT_EXCEEDED',NULL);
INSERT INTO "outbox" VALUES(161,'qsvfvlwi4dim6vjr:58:0','qsvfvlwi4dim6vjr|door|urgent','BanPerson','{"space":"qsvfvlwi4dim6vjr","user":"@fay:elsewhere.example","reason":"spam elsewhere"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(163,'qsvfvlwi4dim6vjr:59:0','qsvfvlwi4dim6vjr|unbans','UnbanPerson','{"space":"qsvfvlwi4dim6vjr","user":"@fay:elsewhere.example"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(170,'qsvfvlwi4dim6vjr:62:0','dm|@hal:example.org','OfferFloor','{"space":"qsvfvlwi4dim6vjr","user":"@hal:example.org"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(173,'qsvfvlwi4dim6vjr:64:0','qsvfvlwi4dim6vjr|urgent','WriteLevel','{"space":"qsvfvlwi4dim6vjr","user":"@hal:example.org","level":null}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(174,'qsvfvlwi4dim6vjr:65:0','qsvfvlwi4dim6vjr|timeline','Announce','{"space":"qsvfvlwi4dim6vjr","text":"The room is locked: nobody new, no hands, no chat of listeners for now.","locked":true}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(177,'qsvfvlwi4dim6vjr:66:0','qsvfvlwi4dim6vjr|timeline','Announce','{"space":"qsvfvlwi4dim6vjr","text":"The room is open again.","locked":false}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(186,'qsvfvlwi4dim6vjr:71:0','dm|@ida:example.org|invitations','InviteByMessage','{"space":"qsvfvlwi4dim6vjr","user":"@ida:example.org","by":"@ada:example.org","announcement":false}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(187,'qsvfvlwi4dim6vjr:72:0','qsvfvlwi4dim6vjr|captions','PostCaption','{}',0,0,0,0,'done','$caption-1',NULL,NULL,1790000001500);
INSERT INTO "outbox" VALUES(188,'qsvfvlwi4dim6vjr:73:0','qsvfvlwi4dim6vjr|captions','PostCaption','{"space":"qsvfvlwi4dim6vjr","utterance":"live-2","speaker":"@ben:example.org","name":"Ben","start_ms":6000,"end_ms":10500,"text":"Heute geht es um Brücken. Und um 👏.","language":"de"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(189,'qsvfvlwi4dim6vjr:74:0','qsvfvlwi4dim6vjr|captions','PostCaption','{}',0,0,0,0,'done',NULL,'qsvfvlwi4dim6vjr:73:0',NULL,1790000001510);
INSERT INTO "outbox" VALUES(190,'qsvfvlwi4dim6vjr:75:ttl','qsvfvlwi4dim6vjr|redactions','RedactEvent','{"space":"qsvfvlwi4dim6vjr","event":"$clap-dan","expired":true,"crowd":false}',1790000015920,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(194,'qsvfvlwi4dim6vjr:78:0','qsvfvlwi4dim6vjr|timeline','PinPost','{"space":"qsvfvlwi4dim6vjr","number":1}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(195,'qsvfvlwi4dim6vjr:79:0','qsvfvlwi4dim6vjr|timeline','PinPost','{"space":"qsvfvlwi4dim6vjr","number":2}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(196,'qsvfvlwi4dim6vjr:80:0','dm|@ada:example.org','PromptModerator','{"space":"qsvfvlwi4dim6vjr","moderator":"@ada:example.org","user":"@dan:example.org","guest":false}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(197,'qsvfvlwi4dim6vjr:80:1','dm|@ben:example.org','PromptModerator','{"space":"qsvfvlwi4dim6vjr","moderator":"@ben:example.org","user":"@dan:example.org","guest":false}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(199,'qsvfvlwi4dim6vjr:81:0','dm|@ada:example.org','PromptModerator','{"space":"qsvfvlwi4dim6vjr","moderator":"@ada:example.org","user":"@spaces_0123456789abcdef:example.org","guest":true}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(200,'qsvfvlwi4dim6vjr:81:1','dm|@ben:example.org','PromptModerator','{"space":"qsvfvlwi4dim6vjr","moderator":"@ben:example.org","user":"@spaces_0123456789abcdef:example.org","guest":true}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(202,'qsvfvlwi4dim6vjr:82:0','qsvfvlwi4dim6vjr|urgent','SeatGuest','{"space":"qsvfvlwi4dim6vjr","user":"@spaces_0123456789abcdef:example.org","name":"Gwen"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(203,'qsvfvlwi4dim6vjr:82:1','qsvfvlwi4dim6vjr|urgent','WriteLevel','{"space":"qsvfvlwi4dim6vjr","user":"@spaces_0123456789abcdef:example.org","level":10}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(205,'told:1','qsvfvlwi4dim6vjr|urgent','MakeRoom','{"space":"qsvfvlwi4dim6vjr"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(206,'once:1','qsvfvlwi4dim6vjr|urgent','MakeRoom','{}',0,0,0,0,'done','$once-1',NULL,NULL,1790000001150);
INSERT INTO "outbox" VALUES(207,'told:2','qsvfvlwi4dim6vjr|state','PublishState','{"space":"qsvfvlwi4dim6vjr"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(208,'once:2','qsvfvlwi4dim6vjr|state','PublishState','{"space":"qsvfvlwi4dim6vjr"}',0,0,0,0,'dead',NULL,NULL,'403 M_FORBIDDEN: the homeserver said no',1790000001160);
INSERT INTO "outbox" VALUES(209,'told:3','qsvfvlwi4dim6vjr|arrangement|urgent','ArrangeRoom','{"space":"qsvfvlwi4dim6vjr"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(210,'once:3','qsvfvlwi4dim6vjr|arrangement|urgent','ArrangeRoom','{}',0,0,0,0,'done','$once-3',NULL,NULL,1790000001170);
INSERT INTO "outbox" VALUES(211,'told:4','qsvfvlwi4dim6vjr|card','RefreshCard','{"space":"qsvfvlwi4dim6vjr"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(212,'once:4','qsvfvlwi4dim6vjr|card','RefreshCard','{"space":"qsvfvlwi4dim6vjr"}',0,0,0,0,'dead',NULL,NULL,'403 M_FORBIDDEN: the homeserver said no',1790000001180);
INSERT INTO "outbox" VALUES(213,'told:5','qsvfvlwi4dim6vjr|bubble','RefreshBubble','{"space":"qsvfvlwi4dim6vjr"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(214,'once:5','qsvfvlwi4dim6vjr|bubble','RefreshBubble','{}',0,0,0,0,'done','$once-5',NULL,NULL,1790000001190);
INSERT INTO "outbox" VALUES(215,'told:6','directory|listing','ListSpace','{"space":"qsvfvlwi4dim6vjr"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(216,'once:6','directory|listing','ListSpace','{"space":"qsvfvlwi4dim6vjr"}',0,0,0,0,'dead',NULL,NULL,'403 M_FORBIDDEN: the homeserver said no',1790000001200);
INSERT INTO "outbox" VALUES(217,'told:7','qsvfvlwi4dim6vjr|door|urgent','BanPerson','{"space":"qsvfvlwi4dim6vjr","user":"@eve:elsewhere.example","reason":"spam"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(218,'once:7','qsvfvlwi4dim6vjr|door|urgent','BanPerson','{}',0,0,0,0,'done','$once-7',NULL,NULL,1790000001210);
INSERT INTO "outbox" VALUES(219,'told:8','qsvfvlwi4dim6vjr|unbans','UnbanPerson','{"space":"qsvfvlwi4dim6vjr","user":"@fay:elsewhere.example"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(220,'once:8','qsvfvlwi4dim6vjr|unbans','UnbanPerson','{"space":"qsvfvlwi4dim6vjr","user":"@fay:elsewhere.example"}',0,0,0,0,'dead',NULL,NULL,'403 M_FORBIDDEN: the homeserver said no',1790000001220);
INSERT INTO "outbox" VALUES(221,'told:9','qsvfvlwi4dim6vjr|timeline','PinPost','{"space":"qsvfvlwi4dim6vjr","number":1}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(222,'once:9','qsvfvlwi4dim6vjr|timeline','PinPost','{}',0,0,0,0,'done','$once-9',NULL,NULL,1790000001230);
INSERT INTO "outbox" VALUES(223,'told:10','qsvfvlwi4dim6vjr|urgent','WriteLevel','{"space":"qsvfvlwi4dim6vjr","user":"@dan:example.org","level":10}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(224,'once:10','qsvfvlwi4dim6vjr|urgent','WriteLevel','{"space":"qsvfvlwi4dim6vjr","user":"@dan:example.org","level":10}',0,0,0,0,'dead',NULL,NULL,'403 M_FORBIDDEN: the homeserver said no',1790000001240);
INSERT INTO "outbox" VALUES(225,'told:11','qsvfvlwi4dim6vjr|urgent','SeatGuest','{"space":"qsvfvlwi4dim6vjr","user":"@spaces_0123456789abcdef:example.org","name":"Gwen"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(226,'once:11','qsvfvlwi4dim6vjr|urgent','SeatGuest','{}',0,0,0,0,'done','$once-11',NULL,NULL,1790000001250);
INSERT INTO "outbox" VALUES(227,'told:12','qsvfvlwi4dim6vjr|urgent','HideGuestName','{"space":"qsvfvlwi4dim6vjr","user":"@spaces_0123456789abcdef:example.org"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(228,'once:12','qsvfvlwi4dim6vjr|urgent','HideGuestName','{"space":"qsvfvlwi4dim6vjr","user":"@spaces_0123456789abcdef:example.org"}',0,0,0,0,'dead',NULL,NULL,'403 M_FORBIDDEN: the homeserver said no',1790000001260);
INSERT INTO "outbox" VALUES(229,'told:13','qsvfvlwi4dim6vjr|urgent','UnseatGuest','{"space":"qsvfvlwi4dim6vjr","user":"@spaces_0123456789abcdef:example.org"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(230,'once:13','qsvfvlwi4dim6vjr|urgent','UnseatGuest','{}',0,0,0,0,'done','$once-13',NULL,NULL,1790000001270);
INSERT INTO "outbox" VALUES(231,'told:14','qsvfvlwi4dim6vjr|captions','PostCaption','{"space":"qsvfvlwi4dim6vjr","utterance":"told-1","speaker":"@ada:example.org","name":"Ada","start_ms":60000,"end_ms":61000,"text":"Willkommen.","language":"de"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(232,'once:14','qsvfvlwi4dim6vjr|captions','PostCaption','{"space":"qsvfvlwi4dim6vjr","utterance":"told-1","speaker":"@ada:example.org","name":"Ada","start_ms":60000,"end_ms":61000,"text":"Willkommen.","language":"de"}',0,0,0,0,'dead',NULL,NULL,'403 M_FORBIDDEN: the homeserver said no',1790000001280);
INSERT INTO "outbox" VALUES(233,'told:15','qsvfvlwi4dim6vjr|chat','PostChat','{"space":"qsvfvlwi4dim6vjr","lines":[{"id":"line1","user":"@spaces_0123456789abcdef:example.org","name":"Gwen","text":"Hello from the page","at_ms":1790000000000,"guest":true,"named":false},{"id":"line2","user":"@ida:example.org","name":"Ida","text":"And from me","at_ms":1790000000001,"guest":false,"named":true}]}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(234,'once:15','qsvfvlwi4dim6vjr|chat','PostChat','{}',0,0,0,0,'done','$once-15',NULL,NULL,1790000001290);
INSERT INTO "outbox" VALUES(235,'told:16','dm|@ben:example.org','PromptModerator','{"space":"qsvfvlwi4dim6vjr","moderator":"@ben:example.org","user":"@dan:example.org","guest":false}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(236,'once:16','dm|@ben:example.org','PromptModerator','{"space":"qsvfvlwi4dim6vjr","moderator":"@ben:example.org","user":"@dan:example.org","guest":false}',0,0,0,0,'dead',NULL,NULL,'403 M_FORBIDDEN: the homeserver said no',1790000001300);
INSERT INTO "outbox" VALUES(237,'told:17','dm|@ben:example.org','OfferFloor','{"space":"qsvfvlwi4dim6vjr","user":"@ben:example.org"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(238,'once:17','dm|@ben:example.org','OfferFloor','{}',0,0,0,0,'done','$once-17',NULL,NULL,1790000001310);
INSERT INTO "outbox" VALUES(239,'told:18','dm|@cleo:example.org','OfferToSpeak','{"space":"qsvfvlwi4dim6vjr","user":"@cleo:example.org","by":"@ada:example.org"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(240,'once:18','dm|@cleo:example.org','OfferToSpeak','{"space":"qsvfvlwi4dim6vjr","user":"@cleo:example.org","by":"@ada:example.org"}',0,0,0,0,'dead',NULL,NULL,'403 M_FORBIDDEN: the homeserver said no',1790000001320);
INSERT INTO "outbox" VALUES(241,'told:19','dm|@ben:example.org|invitations','RemindPerson','{"space":"sd3l6rsmiukrftgq","user":"@ben:example.org","kind":"soon"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(242,'once:19','dm|@ben:example.org|invitations','RemindPerson','{}',0,0,0,0,'done','$once-19',NULL,NULL,1790000001330);
INSERT INTO "outbox" VALUES(243,'told:20','qsvfvlwi4dim6vjr|announcements','AnnounceLive','{"space":"qsvfvlwi4dim6vjr"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(244,'once:20','qsvfvlwi4dim6vjr|announcements','AnnounceLive','{"space":"qsvfvlwi4dim6vjr"}',0,0,0,0,'dead',NULL,NULL,'403 M_FORBIDDEN: the homeserver said no',1790000001340);
INSERT INTO "outbox" VALUES(245,'told:21','qsvfvlwi4dim6vjr|announcements','InviteFollowers','{"space":"qsvfvlwi4dim6vjr","by":"@ben:example.org"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(246,'once:21','qsvfvlwi4dim6vjr|announcements','InviteFollowers','{}',0,0,0,0,'done','$once-21',NULL,NULL,1790000001350);
INSERT INTO "outbox" VALUES(247,'told:22','qsvfvlwi4dim6vjr|@ben:example.org|summaries','SumUpInvitations','{"space":"qsvfvlwi4dim6vjr","by":"@ben:example.org"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(248,'once:22','qsvfvlwi4dim6vjr|@ben:example.org|summaries','SumUpInvitations','{"space":"qsvfvlwi4dim6vjr","by":"@ben:example.org"}',0,0,0,0,'dead',NULL,NULL,'403 M_FORBIDDEN: the homeserver said no',1790000001360);
INSERT INTO "outbox" VALUES(249,'told:23','moderators|reports','ForwardReport','{"report":1}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(250,'once:23','moderators|reports','ForwardReport','{}',0,0,0,0,'done','$once-23',NULL,NULL,1790000001370);
INSERT INTO "outbox" VALUES(251,'told:24','dm|@dan:example.org','TellUser','{"user":"@dan:example.org","text":"A word with | a bar and a % sign."}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(252,'once:24','dm|@dan:example.org','TellUser','{"user":"@dan:example.org","text":"A word with | a bar and a % sign."}',0,0,0,0,'dead',NULL,NULL,'403 M_FORBIDDEN: the homeserver said no',1790000001380);
INSERT INTO "outbox" VALUES(253,'told:25','qsvfvlwi4dim6vjr|timeline','Announce','{"space":"qsvfvlwi4dim6vjr","text":"The room is locked.","locked":true}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(254,'once:25','qsvfvlwi4dim6vjr|timeline','Announce','{}',0,0,0,0,'done','$once-25',NULL,NULL,1790000001390);
INSERT INTO "outbox" VALUES(255,'told:26','qsvfvlwi4dim6vjr|redactions','RedactEvent','{"space":"qsvfvlwi4dim6vjr","event":"$clap-old","expired":true,"crowd":false}',1790000015000,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(256,'once:26','qsvfvlwi4dim6vjr|redactions','RedactEvent','{"space":"qsvfvlwi4dim6vjr","event":"$clap-old","expired":true,"crowd":false}',0,0,0,0,'dead',NULL,NULL,'403 M_FORBIDDEN: the homeserver said no',1790000001400);
INSERT INTO "outbox" VALUES(257,'told:27','qsvfvlwi4dim6vjr|crowd','RedactEvent','{"space":"qsvfvlwi4dim6vjr","event":"$hand-crowd","expired":false,"crowd":true}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(258,'once:27','qsvfvlwi4dim6vjr|crowd','RedactEvent','{}',0,0,0,0,'done','$once-27',NULL,NULL,1790000001410);
INSERT INTO "outbox" VALUES(259,'told:28','qsvfvlwi4dim6vjr|hands','RedactEvent','{"space":"qsvfvlwi4dim6vjr","event":"$hand-answered","expired":false,"crowd":false}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(260,'once:28','qsvfvlwi4dim6vjr|hands','RedactEvent','{"space":"qsvfvlwi4dim6vjr","event":"$hand-answered","expired":false,"crowd":false}',0,0,0,0,'dead',NULL,NULL,'403 M_FORBIDDEN: the homeserver said no',1790000001420);
INSERT INTO "outbox" VALUES(261,'told:29','dm|@ida:example.org|invitations','InviteByMessage','{"space":"qsvfvlwi4dim6vjr","user":"@ida:example.org","by":"@ada:example.org","announcement":true}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(262,'once:29','dm|@ida:example.org|invitations','InviteByMessage','{}',0,0,0,0,'done','$once-29',NULL,NULL,1790000001430);
INSERT INTO "outbox" VALUES(263,'told:30','dm|@dan:example.org','SendLink','{"space":"qsvfvlwi4dim6vjr","user":"@dan:example.org"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(264,'once:30','dm|@dan:example.org','SendLink','{"space":"qsvfvlwi4dim6vjr","user":"@dan:example.org"}',0,0,0,0,'dead',NULL,NULL,'403 M_FORBIDDEN: the homeserver said no',1790000001440);
INSERT INTO "outbox" VALUES(265,'told:31','!live:example.org|replies','Reply','{"room":"!live:example.org","event":"$command","text":"Done.","ok":true,"thread":"$thread"}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(266,'once:31','!live:example.org|replies','Reply','{}',0,0,0,0,'done','$once-31',NULL,NULL,1790000001450);
INSERT INTO "outbox" VALUES(267,'told:32','!odd|room%7C:elsewhere.example|replies','Reply','{"room":"!odd|room%7C:elsewhere.example","event":"$odd","text":"No.","ok":false,"thread":null}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(268,'once:32','!odd|room%7C:elsewhere.example|replies','Reply','{"room":"!odd|room%7C:elsewhere.example","event":"$odd","text":"No.","ok":false,"thread":null}',0,0,0,0,'dead',NULL,NULL,'403 M_FORBIDDEN: the homeserver said no',1790000001460);
INSERT INTO "outbox" VALUES(269,'told:33','dm|@odd|name:elsewhere.example','TellUser','{"user":"@odd|name:elsewhere.example","text":"An old name may hold a bar."}',0,0,0,0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(270,'once:33','dm|@odd|name:elsewhere.example','TellUser','{}',0,0,0,0,'done','$once-33',NULL,NULL,1790000001470);
CREATE TABLE policy_rules (
    room TEXT NOT NULL,
    kind TEXT NOT NULL,
    rule_key TEXT NOT NULL,
    entity TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (room, kind, rule_key)
);
INSERT INTO "policy_rules" VALUES('!list:example.org','user','rule1','@bad*:spam.example','spam');
CREATE TABLE reports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL UNIQUE,
    space TEXT NOT NULL,
    reporter TEXT NOT NULL,
    reported TEXT NOT NULL,
    reason TEXT NOT NULL,
    context TEXT NOT NULL,
    at_ms BIGINT NOT NULL
);
INSERT INTO "reports" VALUES(1,'$report','qsvfvlwi4dim6vjr','@ben:example.org','@eve:elsewhere.example','spam','She wrote: buy now',1790000000000);
CREATE TABLE schema_version (
        key INTEGER PRIMARY KEY, version BIGINT NOT NULL, compat BIGINT NOT NULL
    );
INSERT INTO "schema_version" VALUES(0,4,2);
CREATE TABLE silence (
    user_id TEXT NOT NULL,
    host TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, host)
);
INSERT INTO "silence" VALUES('@hal:example.org','@ada:example.org',1790000000000);
INSERT INTO "silence" VALUES('@eve:elsewhere.example','',1790000000000);
CREATE TABLE spaces (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    space TEXT NOT NULL UNIQUE,
    slug TEXT NOT NULL,
    title TEXT NOT NULL,
    host TEXT NOT NULL,
    phase TEXT NOT NULL,
    private BOOLEAN NOT NULL,
    room TEXT,
    scheduled_at_ms BIGINT,
    started_at_ms BIGINT,
    ended_at_ms BIGINT
, host_name TEXT NOT NULL DEFAULT '', captions BIGINT NOT NULL DEFAULT 0);
INSERT INTO "spaces" VALUES(1,'3zravdt37ltmfwrr','yesterday-s-talk-uvqf','Yesterday''s talk','@eve:elsewhere.example','ended',0,'!past:example.org',NULL,1789913660000,1789917200000,'Eve',1);
INSERT INTO "spaces" VALUES(12,'sd3l6rsmiukrftgq','next-week-s-talk-7dft','Next week''s talk','@ada:example.org','scheduled',0,'!later:example.org',1790691200000,NULL,NULL,'Ada',0);
INSERT INTO "spaces" VALUES(20,'qsvfvlwi4dim6vjr','an-evening-talk-g5gc','An evening talk about bridges','@ada:example.org','live',0,'!live:example.org',NULL,1790000001000,NULL,'Ada',3);
CREATE TABLE tokens (
    hash TEXT PRIMARY KEY,
    space TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    guest BOOLEAN NOT NULL,
    created_at_ms BIGINT NOT NULL
);
INSERT INTO "tokens" VALUES('Danxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx','qsvfvlwi4dim6vjr','@dan:example.org','Dan',0,1790000000000);
INSERT INTO "tokens" VALUES('Gwenxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx','qsvfvlwi4dim6vjr','@spaces_0123456789abcdef:example.org','Gwen',1,1790000000000);
CREATE INDEX spaces_slug ON spaces (slug, ordinal);
CREATE INDEX spaces_room ON spaces (room, ordinal);
CREATE INDEX spaces_phase ON spaces (phase, ordinal);
CREATE INDEX outbox_pending ON outbox (id) WHERE state = 'pending';
CREATE INDEX inbox_pending ON inbox (seq) WHERE state = 'pending';
CREATE INDEX tokens_holder ON tokens (space, user_id);
CREATE INDEX followers_follower ON followers (follower);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('spaces',93);
INSERT INTO "sqlite_sequence" VALUES('outbox',270);
INSERT INTO "sqlite_sequence" VALUES('reports',1);
INSERT INTO "sqlite_sequence" VALUES('inbox',1);
COMMIT;
