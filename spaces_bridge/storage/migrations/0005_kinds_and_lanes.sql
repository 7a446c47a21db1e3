-- description: kinds of events and tasks, and lanes, that no name in the program decides
-- compat: 5

-- Until here a row's kind was the name of a Python class, and a lane was PLACE|KIND, PLACE|urgent or
-- the like. What a bridge of before cannot have written is left as it is.

-- PARTITION|NAME|PRIORITY, and |PERSON where every person has a lane; % and | in the free parts are
-- written as %25 and %7C. A live space's id holds neither.
UPDATE outbox SET queue = CASE
    WHEN queue LIKE 'dm|%|invitations'
        THEN 'dm|invitations|paced|'
            || replace(replace(substr(queue, 4, length(queue) - 15), '%', '%25'), '|', '%7C')
    WHEN queue LIKE 'dm|%' AND kind = 'PromptModerator'
        THEN 'dm|prompts|normal|' || replace(replace(substr(queue, 4), '%', '%25'), '|', '%7C')
    WHEN queue LIKE 'dm|%'
        THEN 'dm|messages|normal|' || replace(replace(substr(queue, 4), '%', '%25'), '|', '%7C')
    WHEN queue LIKE '%|arrangement|urgent'
        THEN substr(queue, 1, length(queue) - 19) || '|permissions|urgent'
    WHEN queue LIKE '%|door|urgent'
        THEN substr(queue, 1, length(queue) - 12) || '|bans|urgent'
    WHEN queue LIKE '%|urgent'
        THEN substr(queue, 1, length(queue) - 7) || '|levels|urgent'
    WHEN queue LIKE '%|replies'
        THEN replace(replace(substr(queue, 1, length(queue) - 8), '%', '%25'), '|', '%7C')
            || '|replies|normal'
    WHEN queue LIKE '%|bubble'
        THEN substr(queue, 1, length(queue) - 7) || '|community_card|normal'
    WHEN queue LIKE '%|@%|summaries'
        THEN coalesce(
            (
                SELECT spaces.space || '|summaries|normal|' || replace(replace(substr(
                    queue, length(spaces.space) + 2, length(queue) - length(spaces.space) - 11
                ), '%', '%25'), '|', '%7C')
                FROM spaces WHERE outbox.queue LIKE spaces.space || '|@%|summaries'
            ),
            queue
        )
    WHEN queue LIKE '%|state' OR queue LIKE '%|unbans' OR queue LIKE '%|card'
        OR queue LIKE '%|captions' OR queue LIKE '%|chat' OR queue LIKE '%|redactions'
        OR queue LIKE '%|hands' OR queue LIKE '%|crowd' OR queue LIKE '%|timeline'
        OR queue LIKE '%|announcements' OR queue LIKE '%|listing' OR queue LIKE '%|reports'
        THEN queue || '|normal'
    ELSE queue
END;

UPDATE outbox SET kind = CASE kind
    WHEN 'MakeRoom' THEN 'room.make'
    WHEN 'ArrangeRoom' THEN 'room_permissions.write'
    WHEN 'PublishState' THEN 'room_state.publish'
    WHEN 'ListSpace' THEN 'directory.update'
    WHEN 'RefreshCard' THEN 'card.refresh'
    WHEN 'RefreshBubble' THEN 'community_card.refresh'
    WHEN 'WriteLevel' THEN 'level.write'
    WHEN 'BanPerson' THEN 'person.ban'
    WHEN 'UnbanPerson' THEN 'person.unban'
    WHEN 'SeatGuest' THEN 'guest.join'
    WHEN 'HideGuestName' THEN 'guest.hide_name'
    WHEN 'UnseatGuest' THEN 'guest.leave'
    WHEN 'Announce' THEN 'notice.post'
    WHEN 'PostCaption' THEN 'caption.post'
    WHEN 'PostChat' THEN 'chat.post'
    WHEN 'PinPost' THEN 'post.pin'
    WHEN 'RedactEvent' THEN 'reaction.redact'
    WHEN 'Reply' THEN 'command.reply'
    WHEN 'TellUser' THEN 'person.tell'
    WHEN 'SendLink' THEN 'personal_link.send'
    WHEN 'OfferFloor' THEN 'floor.offer'
    WHEN 'OfferToSpeak' THEN 'stage_invitation.send'
    WHEN 'PromptModerator' THEN 'hand.prompt'
    WHEN 'RemindPerson' THEN 'reminder.send'
    WHEN 'InviteByMessage' THEN 'invitation.send'
    WHEN 'AnnounceLive' THEN 'followers.announce_live'
    WHEN 'InviteFollowers' THEN 'followers.invite'
    WHEN 'SumUpInvitations' THEN 'followers.sum_up'
    WHEN 'ForwardReport' THEN 'report.forward'
    ELSE kind
END;

UPDATE journal SET kind = CASE kind
    WHEN 'SpaceCreated' THEN 'space.created'
    WHEN 'RoomAttached' THEN 'space.room_attached'
    WHEN 'SpaceStarted' THEN 'space.started'
    WHEN 'SpaceEnded' THEN 'space.ended'
    WHEN 'SpaceRescheduled' THEN 'space.rescheduled'
    WHEN 'SpaceRetitled' THEN 'space.retitled'
    WHEN 'SpaceLocked' THEN 'space.locked'
    WHEN 'SpaceUnlocked' THEN 'space.unlocked'
    WHEN 'SpeakPolicyChanged' THEN 'speak_policy.changed'
    WHEN 'CaptionsSwitched' THEN 'captions.switched'
    WHEN 'ChatSwitched' THEN 'chat.switched'
    WHEN 'GuestsLimited' THEN 'guest_policy.changed'
    WHEN 'ReminderWanted' THEN 'reminder.requested'
    WHEN 'ReminderDropped' THEN 'reminder.cancelled'
    WHEN 'ReminderDue' THEN 'reminder.due'
    WHEN 'HostLeftPage' THEN 'host.left_page'
    WHEN 'HostMissed' THEN 'host.missed'
    WHEN 'HostReturned' THEN 'host.returned'
    WHEN 'HostChanged' THEN 'host.changed'
    WHEN 'PersonJoined' THEN 'person.joined'
    WHEN 'PersonLeft' THEN 'person.left'
    WHEN 'PersonInvited' THEN 'person.invited'
    WHEN 'PersonRemoved' THEN 'person.removed'
    WHEN 'RemovalInForce' THEN 'person.removal_confirmed'
    WHEN 'PersonReadmitted' THEN 'person.readmitted'
    WHEN 'RoleAppointed' THEN 'role.appointed'
    WHEN 'AppointmentEnded' THEN 'role.appointment_ended'
    WHEN 'LevelChanged' THEN 'level.changed'
    WHEN 'LevelOverruled' THEN 'level.overruled'
    WHEN 'LevelForfeited' THEN 'level.forfeited'
    WHEN 'SpeakRequested' THEN 'hand.raised'
    WHEN 'SpeakRequestWithdrawn' THEN 'hand.lowered'
    WHEN 'QueueCleared' THEN 'hand_queue.cleared'
    WHEN 'QueueReordered' THEN 'hand_queue.reordered'
    WHEN 'SpeakerApproved' THEN 'speaker.approved'
    WHEN 'SpeakerDenied' THEN 'speaker.denied'
    WHEN 'SpeakerMuted' THEN 'speaker.muted'
    WHEN 'SpeakerUnmuted' THEN 'speaker.unmuted'
    WHEN 'SpeakerInvited' THEN 'stage_invitation.sent'
    WHEN 'SpeakInvitationDeclined' THEN 'stage_invitation.declined'
    WHEN 'GrantRefused' THEN 'floor.grant_refused'
    WHEN 'FloorClosing' THEN 'floor.closing'
    WHEN 'FloorDoubted' THEN 'floor.doubted'
    WHEN 'FloorLookedInto' THEN 'floor.checked'
    WHEN 'MicrophoneOpened' THEN 'microphone.opened'
    WHEN 'MicrophoneClosed' THEN 'microphone.closed'
    WHEN 'UtteranceCaptioned' THEN 'utterance.captioned'
    WHEN 'Reacted' THEN 'reaction.added'
    WHEN 'ReactionsCounted' THEN 'reactions.counted'
    WHEN 'PostShared' THEN 'post.shared'
    ELSE kind
END;
